//! Statements and values: the same SQL text and types for every database engine.
//!
//! The SQL texts use the common subset of the engines. Parameters are `?1`, `?2`, ... A write names its [`Scope`], and
//! its closure may run again, for example after a lost connection.

use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::millis;

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error of SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A column has a value of another type.
    #[error("unexpected value of a column: {0}")]
    Column(&'static str),
    /// A required row does not exist.
    #[error("no row found")]
    NoRow,
}

/// The rows to which a write needs exclusive access. Writes of different scopes may run at the same time.
///
/// SQLite has a single writer, so scopes have no effect on it.
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
    /// No exclusive rows: unique keys and row conditions decide between concurrent writes.
    Rows,
}

/// An open write transaction, or a read. In a read, each statement sees its own snapshot.
pub struct Transaction<'t> {
    connection: &'t Connection,
    now_ms: i64,
}

/// A row of a result.
pub struct Row<'r>(&'r rusqlite::Row<'r>);

/// A value of a parameter or a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'c> {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// True or false; SQLite stores it as 1 or 0.
    Boolean(bool),
    /// A text.
    Text(&'c str),
    /// Bytes.
    Bytes(&'c [u8]),
}

/// A parameter of a statement.
pub trait Value {
    /// Returns the value.
    fn cell(&self) -> Cell<'_>;
}

/// The type of a column.
pub trait Column: Sized {
    /// Converts a value.
    ///
    /// # Errors
    ///
    /// Fails for a value of another type, or out of range.
    fn read(cell: Cell<'_>) -> Result<Self>;
}

/// The parameters of a statement.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::Value),*]
    };
}

impl<'t> Transaction<'t> {
    pub(super) fn new(connection: &'t Connection) -> Self {
        Self { connection, now_ms: millis(SystemTime::now()) }
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
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(values.iter().map(|value| value.cell())))?)
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
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params_from_iter(values.iter().map(|value| value.cell()));
        statement.query_row(values, |row| Ok(read(&Row(row)))).optional()?.transpose()
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
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params_from_iter(values.iter().map(|value| value.cell())))?;
        let mut all = Vec::new();
        while let Some(row) = found.next()? {
            all.push(read(&Row(row))?);
        }
        Ok(all)
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
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Returns whether the engine has ended the transaction by itself, for example because the disk is full.
    pub(super) fn has_ended(&self) -> bool {
        self.connection.is_autocommit()
    }
}

impl Row<'_> {
    /// Returns a column by its position, which starts at 0.
    ///
    /// # Errors
    ///
    /// Fails for a value of another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::read(self.0.get_ref(index)?.try_into()?)
    }

    /// Returns a column by its name.
    ///
    /// # Errors
    ///
    /// Fails for a value of another type.
    pub fn named<T: Column>(&self, name: &str) -> Result<T> {
        T::read(self.0.get_ref(name)?.try_into()?)
    }
}

impl<'c> TryFrom<ValueRef<'c>> for Cell<'c> {
    type Error = Error;

    fn try_from(value: ValueRef<'c>) -> Result<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(text) => Self::Text(std::str::from_utf8(text).map_err(|_| Error::Column("not UTF-8"))?),
            ValueRef::Blob(bytes) => Self::Bytes(bytes),
            ValueRef::Real(_) => return Err(Error::Column("a real number")),
        })
    }
}

impl rusqlite::ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Boolean(flag) => ValueRef::Integer(flag.into()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn cell(&self) -> Cell<'_> {
        (**self).cell()
    }
}

impl<T: Value> Value for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Value::cell)
    }
}

impl Value for i64 {
    fn cell(&self) -> Cell<'_> {
        Cell::Integer(*self)
    }
}

impl Value for u32 {
    fn cell(&self) -> Cell<'_> {
        Cell::Integer((*self).into())
    }
}

impl Value for u16 {
    fn cell(&self) -> Cell<'_> {
        Cell::Integer((*self).into())
    }
}

impl Value for bool {
    fn cell(&self) -> Cell<'_> {
        Cell::Boolean(*self)
    }
}

impl Value for str {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Value for String {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Value for Arc<str> {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Value for [u8] {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Value for Vec<u8> {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Column for i64 {
    fn read(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Integer(number) => Ok(number),
            _ => Err(Error::Column("not a number")),
        }
    }
}

impl Column for u64 {
    fn read(cell: Cell<'_>) -> Result<Self> {
        i64::read(cell)?.try_into().map_err(|_| Error::Column("a negative number"))
    }
}

impl Column for u32 {
    fn read(cell: Cell<'_>) -> Result<Self> {
        i64::read(cell)?.try_into().map_err(|_| Error::Column("a number out of range"))
    }
}

impl Column for u16 {
    fn read(cell: Cell<'_>) -> Result<Self> {
        i64::read(cell)?.try_into().map_err(|_| Error::Column("a number out of range"))
    }
}

impl Column for bool {
    fn read(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Boolean(flag) => Ok(flag),
            Cell::Integer(number) => Ok(number != 0),
            _ => Err(Error::Column("neither true nor false")),
        }
    }
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text(text) => Ok(text.to_owned()),
            _ => Err(Error::Column("not a text")),
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes.to_owned()),
            // SQLite keeps the type of the inserted value, so bytes may be stored as text.
            Cell::Text(text) => Ok(text.as_bytes().to_owned()),
            _ => Err(Error::Column("not bytes")),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Result<Self> {
        if cell == Cell::Null { Ok(None) } else { T::read(cell).map(Some) }
    }
}
