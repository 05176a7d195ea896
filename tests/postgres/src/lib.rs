//! A Postgres server for tests: one for each test program, started on first use, stopped when the program ends.
//!
//! The server listens on loopback, writes to a folder of its own, and loses nothing in a crash (`fsync` is on). Debian's
//! package `postgresql` contains it; `cargo xtask test` installs the package.

mod pooler;
mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use self::pooler::Pooler;
pub use self::server::Server;

/// A new, empty database of either engine. What is true for one engine is true for the other, so tests run on both.
#[derive(Debug)]
pub enum Place {
    /// A SQLite file in a folder of its own.
    Sqlite(tempfile::TempDir),
    /// A database on the program's server.
    Postgres(Database),
}

impl Place {
    /// Returns one database of each engine.
    pub fn both() -> [Self; 2] {
        [Self::Sqlite(tempfile::tempdir().expect("a folder")), Self::Postgres(Database::create())]
    }

    /// Returns the value for `store.url`.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                let path: PathBuf = folder.path().join("test.db");
                format!("sqlite:{}", path.display())
            }
            Self::Postgres(database) => database.url(),
        }
    }
}

/// A new, empty database on Postgres, which is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// Creates a database on the program's server.
    pub fn create() -> Self {
        Self::create_on(Server::shared())
    }

    /// Creates a database on a server.
    pub fn create_on(server: &'static Server) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        server.execute("postgres", &format!("CREATE DATABASE {name}"));
        Self { server, name }
    }

    /// Returns the server.
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// Returns the value for `store.url`.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Opens a transaction, and keeps its snapshot.
    pub fn hold_snapshot(&self) -> HeldSnapshot {
        let (sender, receiver) = std::sync::mpsc::channel();
        HeldSnapshot(Some(sender), Some(self.server.hold_snapshot(&self.name, receiver)))
    }

    /// Runs statements, and returns the first column of each row as text.
    pub fn execute(&self, sql: &str) -> Vec<String> {
        self.server.execute(&self.name, sql)
    }
}

/// A transaction that keeps its snapshot, as a long query of an analyst does. Ended when dropped.
#[derive(Debug)]
pub struct HeldSnapshot(Option<std::sync::mpsc::Sender<()>>, Option<std::thread::JoinHandle<()>>);

impl Drop for HeldSnapshot {
    fn drop(&mut self) {
        self.0 = None;
        let _ = self.1.take().map(std::thread::JoinHandle::join);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test may have stopped the server.
        let _ = self.server.try_execute("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
