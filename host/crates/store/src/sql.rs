//! Statements and values: the same SQL text and types for every database engine.
//!
//! The SQL texts use the common subset of the engines. Parameters are `?1`, `?2`, ... A write names its [`Scope`], and
//! its closure may run again, for example after a lost connection.

mod value;

use std::sync::Arc;

pub(crate) use self::value::without_nul;
pub use self::value::{Cell, Column, Key, Kind, Scalar, Value, indexed};
use super::postgres::Session;
use super::{now_ms, postgres, sqlite};

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error of SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// An error of Postgres, or of the connection to it.
    #[error(transparent)]
    Postgres(#[from] postgres::Failure),
    /// A column has a value of another type.
    #[error("unexpected value of a column: {0}")]
    Column(&'static str),
    /// A concurrent write has changed the same rows: the write is rolled back and runs again.
    #[error("a concurrent write has changed the same rows")]
    Conflict,
    /// A required row does not exist.
    #[error("no row found")]
    NoRow,
    /// The write rejected what it was asked for, and is rolled back.
    #[error("{0}")]
    Rejected(String),
}

/// The rows to which a write needs exclusive access. Writes of different scopes may run at the same time.
///
/// On Postgres, a write locks its scope before its first statement. SQLite has a single writer, so scopes have no effect
/// on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The deliveries of one conversation of a tenant.
    Conversation {
        /// Name of the tenant.
        tenant: Arc<str>,
        /// Key of the conversation.
        conversation: String,
    },
    /// The conversations, messages and deliveries of a Front channel, by its row id.
    Channel(i64),
    /// The channels of an app.
    App {
        /// Name of the tenant.
        tenant: String,
        /// Name of the app.
        app: String,
    },
    /// The state of a plugin for one tenant, which is near a limit.
    Bucket {
        /// Name of the plugin.
        plugin: Arc<str>,
        /// Name of the tenant.
        tenant: Arc<str>,
    },
    /// The customers of a tenant.
    Customers(Arc<str>),
    /// The rollouts of plugins.
    Rollouts,
    /// Several scopes.
    All(Vec<Scope>),
    /// No exclusive rows: unique keys and row conditions decide between concurrent writes.
    Rows,
}

/// An open write transaction, or a read. In a read, each statement sees its own snapshot.
pub struct Transaction<'t> {
    connection: Connection<'t>,
    now_ms: i64,
}

enum Connection<'t> {
    Sqlite(&'t rusqlite::Connection),
    Postgres(&'t Session),
}

/// A row of a result.
pub struct Row<'r>(RowOf<'r>);

enum RowOf<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// Whether a query continues with the next row.
pub(crate) type IsWanted = bool;

/// Reads one row of a query.
pub(crate) type ReadRow<'f> = dyn FnMut(&Row<'_>) -> Result<IsWanted> + 'f;

/// The parameters of a statement.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::Value),*]
    };
}

impl<'t> Transaction<'t> {
    pub(super) fn sqlite(connection: &'t rusqlite::Connection) -> Self {
        Self { connection: Connection::Sqlite(connection), now_ms: now_ms().cast_signed() }
    }

    /// `now_ms` is the time of the database.
    pub(super) fn postgres(session: &'t Session, now_ms: i64) -> Self {
        Self { connection: Connection::Postgres(session), now_ms }
    }

    /// Returns whether several gateways may write at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.connection, Connection::Postgres(_))
    }

    /// Returns the time of the transaction by the clock of the database, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Runs a statement; returns the number of changed rows.
    ///
    /// # Errors
    ///
    /// Fails with the error of the engine.
    pub fn execute(&self, sql: &str, values: &[&dyn Value]) -> Result<usize> {
        match self.connection {
            Connection::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Connection::Postgres(session) => session.query(sql, values, &mut |_| Ok(true)),
        }
    }

    /// Returns the first row, if any.
    ///
    /// # Errors
    ///
    /// Fails with the error of the engine, or of `read`.
    pub fn row<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let (mut read, mut found) = (Some(read), None);
        self.query(sql, values, &mut |row| {
            if let Some(read) = read.take() {
                found = Some(read(row)?);
            }
            Ok(false)
        })?;
        Ok(found)
    }

    /// Returns the first row, which must exist.
    ///
    /// # Errors
    ///
    /// Fails like [`Transaction::row`], or with [`Error::NoRow`].
    pub fn one<T>(&self, sql: &str, values: &[&dyn Value], read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.row(sql, values, read)?.ok_or(Error::NoRow)
    }

    /// Returns the value in the only column of the first row, which must exist.
    ///
    /// # Errors
    ///
    /// Fails like [`Transaction::one`].
    pub fn value<T: Column>(&self, sql: &str, values: &[&dyn Value]) -> Result<T> {
        self.one(sql, values, |row| row.get(0))
    }

    /// Returns all rows.
    ///
    /// # Errors
    ///
    /// Fails with the error of the engine, or of `read`.
    pub fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.query(sql, values, &mut |row| {
            all.push(read(row)?);
            Ok(true)
        })?;
        Ok(all)
    }

    fn query(&self, sql: &str, values: &[&dyn Value], read: &mut ReadRow<'_>) -> Result<()> {
        match self.connection {
            Connection::Sqlite(connection) => sqlite::query(connection, sql, values, read),
            Connection::Postgres(session) => session.query(sql, values, read).map(drop),
        }
    }

    /// Runs `work` in a savepoint: if it fails, its writes are undone, and the transaction continues.
    ///
    /// # Errors
    ///
    /// Returns the error of `work`, or of the savepoint.
    pub fn savepoint<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.batch("SAVEPOINT one")?;
        let result = work(self);
        let ended = self.batch(if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" });
        // If the database has already rolled back everything, the first error is the cause.
        result.and_then(|value| ended.map(|()| value).map_err(E::from))
    }

    fn batch(&self, sql: &str) -> Result<()> {
        match self.connection {
            Connection::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Connection::Postgres(session) => session.batch(sql),
        }
    }

    /// Returns whether the engine has ended the transaction by itself, for example because the disk is full.
    pub(super) fn has_ended(&self) -> bool {
        match self.connection {
            Connection::Sqlite(connection) => connection.is_autocommit(),
            Connection::Postgres(session) => session.is_closed(),
        }
    }
}

impl<'r> Row<'r> {
    pub(crate) fn sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self(RowOf::Sqlite(row))
    }

    pub(crate) fn postgres(row: &'r tokio_postgres::Row) -> Self {
        Self(RowOf::Postgres(row))
    }

    /// Returns a column by its position, which starts at 0.
    ///
    /// # Errors
    ///
    /// Fails for a value of another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::read(match self.0 {
            RowOf::Sqlite(row) => sqlite::cell(row.get_ref(index)?)?,
            RowOf::Postgres(row) => postgres::cell(row, index)?,
        })
    }

    /// Returns a column by its name.
    ///
    /// # Errors
    ///
    /// Fails for a value of another type.
    pub fn named<T: Column>(&self, name: &str) -> Result<T> {
        let found = match self.0 {
            RowOf::Sqlite(row) => return T::read(sqlite::cell(row.get_ref(name)?)?),
            RowOf::Postgres(row) => row.columns().iter().position(|column| column.name() == name),
        };
        self.get(found.ok_or(Error::Column("no such column"))?)
    }
}
