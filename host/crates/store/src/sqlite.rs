//! The SQLite engine: one file, one writer thread with group commit, and concurrent readers.

pub(super) mod disk;
pub(super) mod schema;
pub(super) mod writer;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};
use tracing::trace;

use super::sql::{self, Cell, ReadRow, Row, Value, without_nul};

/// Runs a statement; returns the number of changed rows.
pub(super) fn execute(connection: &Connection, sql: &str, values: &[&dyn Value]) -> sql::Result<usize> {
    trace!(event = "store.statement", "{sql}");
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute(params_from_iter(values.iter().map(|value| value.cell())))?)
}

/// Runs a query and reads its rows until `read` returns false.
pub(super) fn query(
    connection: &Connection,
    sql: &str,
    values: &[&dyn Value],
    read: &mut ReadRow<'_>,
) -> sql::Result<()> {
    trace!(event = "store.statement", "{sql}");
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params_from_iter(values.iter().map(|value| value.cell())))?;
    while let Some(row) = found.next()? {
        if !read(&Row::sqlite(row))? {
            break;
        }
    }
    Ok(())
}

/// Converts a value of a column.
pub(super) fn cell(value: ValueRef<'_>) -> sql::Result<Cell<'_>> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).map_err(|_| sql::Error::Column("not UTF-8"))?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        ValueRef::Real(_) => return Err(sql::Error::Column("a real number")),
    })
}

impl rusqlite::ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Boolean(flag) => ValueRef::Integer(flag.into()),
            Self::Text(text) => match without_nul(text) {
                Some(text) => return Ok(text.into()),
                None => ValueRef::Text(text.as_bytes()),
            },
            Self::Key(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
