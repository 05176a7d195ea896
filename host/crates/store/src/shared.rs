//! An operator's access to the database, whether or not a gateway is running.

use std::sync::Arc;

use anyhow::Context as _;
use rusqlite::TransactionBehavior;

use super::connection::Connection;
use super::postgres::{self, Committed, Server, Session};
use super::settings::{Location, Settings};
use super::sql::{self, Scope, Transaction};
use super::sqlite;
use super::write::Flush;

/// A separate connection, which waits for the gateway's writes.
pub struct Shared(Connection);

impl Shared {
    /// Opens an existing database.
    ///
    /// # Errors
    ///
    /// Fails if the database does not exist, cannot be reached, or is of another version.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self(match settings.location()? {
            Location::Sqlite(path) => Connection::Sqlite(sqlite::schema::open_shared(path)?),
            Location::Postgres => {
                let server = Arc::new(Server::new(settings)?);
                let session = Session::open(&server);
                let session = session.with_context(|| format!("failed to open database {}", server.display()))?;
                postgres::schema::check(&session, &server)?;
                Connection::Postgres(Box::new(session))
            }
        }))
    }

    /// Returns the id of the tables on Postgres; empty for SQLite.
    pub fn installation(&self) -> String {
        match &self.0 {
            Connection::Sqlite(_) => String::new(),
            Connection::Postgres(session) => session.installation().to_owned(),
        }
    }

    /// Runs a read.
    pub fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> T) -> T {
        work(&self.0.read())
    }

    /// Runs a write and waits until it is on disk. A failed write changes nothing.
    ///
    /// # Errors
    ///
    /// Returns the error of `work`, or of the commit.
    pub fn write<T, E: From<sql::Error>>(
        &mut self,
        scope: &Scope,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &mut self.0 {
            Connection::Sqlite(connection) => {
                let open = connection.transaction_with_behavior(TransactionBehavior::Immediate);
                let open = open.map_err(sql::Error::from)?;
                let value = work(&Transaction::sqlite(&open))?;
                open.commit().map_err(sql::Error::from)?;
                Ok(value)
            }
            Connection::Postgres(session) => {
                let now = session.begin([scope], Flush::Wait).map_err(sql::Error::from)?;
                let result = work(&Transaction::postgres(session, now));
                let Ok(value) = result else {
                    session.roll_back();
                    return result;
                };
                match session.commit() {
                    Committed::Yes => Ok(value),
                    Committed::No(failure) | Committed::Unclear(failure) => Err(sql::Error::from(failure).into()),
                }
            }
        }
    }
}
