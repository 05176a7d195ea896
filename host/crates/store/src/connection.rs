//! Connections of either engine, for reads and for operators.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::{Server, Session};
use super::sql::{self, Transaction};
use super::{now_ms, sqlite};

/// What connections are opened to.
pub(super) enum Source {
    /// The path of a SQLite file.
    Sqlite(PathBuf),
    /// A Postgres server.
    Postgres(Arc<Server>),
}

/// An open connection.
pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Session>),
}

impl Source {
    /// Opens a connection for reads.
    pub(super) fn open(&self) -> sql::Result<Connection> {
        Ok(match self {
            Self::Sqlite(path) => Connection::Sqlite(sqlite::schema::open_to_read(path)?),
            Self::Postgres(server) => Connection::Postgres(Box::new(Session::open(server)?)),
        })
    }

    /// Moves all pages of a file's log into the file, and empties the log. Nothing is to be done on a server.
    pub(super) fn checkpoint(&self) -> sql::Result<()> {
        match self {
            Self::Sqlite(path) => Ok(sqlite::schema::checkpoint(path)?),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Returns the current time by the clock of the database, as far as it is known.
    pub(super) fn now_ms(&self) -> i64 {
        match self {
            Self::Sqlite(_) => now_ms().cast_signed(),
            Self::Postgres(server) => server.now_ms(),
        }
    }
}

impl Connection {
    /// Returns a transaction in which each statement sees its own snapshot.
    pub(super) fn read(&self) -> Transaction<'_> {
        match self {
            Self::Sqlite(connection) => Transaction::sqlite(connection),
            Self::Postgres(session) => Transaction::postgres(session, session.now_ms()),
        }
    }

    /// Returns whether the connection is unusable.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Postgres(session) if session.is_closed())
    }
}
