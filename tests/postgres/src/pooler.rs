//! PgBouncer in transaction mode, in front of a server.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Server;
use crate::server::{START_MAX, command, free_port, own};

/// A running pooler, stopped when dropped.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    port: u16,
}

impl Pooler {
    /// Starts a pooler in front of a server; `None` if PgBouncer is not installed.
    pub fn start(server: &Server) -> Option<Self> {
        let program = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join("pgbouncer"))
            .find(|program| program.is_file())?;
        let port = free_port();
        let folder = server.folder().join(format!("pooler-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=frontgate\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             max_client_conn = 500\ndefault_pool_size = 10\nlogfile = {}\n",
            server.port(),
            folder.join("log").display()
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file");
        own(&folder);
        // The signal at the end of this program comes when the thread ends that has started the pooler.
        let (sender, started) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let mut pgbouncer = command(&program);
            pgbouncer.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let _ = sender.send(pgbouncer.spawn().expect("pgbouncer"));
            loop {
                thread::park();
            }
        });
        let pooler = Self { process: started.recv().expect("a process"), port };
        let until = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "PgBouncer did not start");
            thread::park_timeout(Duration::from_millis(10));
        }
        Some(pooler)
    }

    /// Returns the URL of a database through the pooler.
    pub fn url(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').expect("a database");
        format!("postgres://frontgate@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
