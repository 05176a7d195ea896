//! The Postgres engine: sessions on threads of their own, each with one connection, shared by any number of gateways.
//!
//! - `address`: the server, from `[store]`.
//! - `session`: one connection: statements, transactions, the clock of the database.
//! - `failure`: what an error means: run the write again, or report it.
//! - `bell`: hints to other gateways.
//! - `writer`: the threads that run queued writes.
//! - `schema`: tables, migrations, and what the server must be able to do.

pub(super) mod address;
pub(super) mod bell;
mod failure;
pub(super) mod schema;
mod session;
pub(super) mod writer;

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

pub(super) use self::address::Server;
pub(crate) use self::failure::Failure;
pub(crate) use self::session::{Committed, Session};
use super::sql::{self, Cell, Kind, without_nul};

/// Converts a value of a column.
pub(super) fn cell(row: &tokio_postgres::Row, index: usize) -> sql::Result<Cell<'_>> {
    let value = row.try_get::<_, Option<ColumnValue<'_>>>(index);
    Ok(value.map_err(Failure::from)?.map_or(Cell::Null, |value| value.0))
}

/// A value that is not NULL.
struct ColumnValue<'r>(Cell<'r>);

impl<'r> FromSql<'r> for ColumnValue<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT2 => Cell::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Cell::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Cell::Integer(i64::from_sql(kind, raw)?),
            Type::BOOL => Cell::Boolean(bool::from_sql(kind, raw)?),
            Type::BYTEA => Cell::Bytes(raw),
            _ => Cell::Text(<&str>::from_sql(kind, raw)?),
        }))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT2 | Type::INT4 | Type::INT8 | Type::BOOL | Type::BYTEA)
            || <&str as FromSql>::accepts(kind)
    }
}

/// Returns the type of a parameter.
fn parameter_type(kind: Kind) -> Type {
    match kind {
        Kind::Integer => Type::INT8,
        Kind::Boolean => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Key | Kind::Bytes => Type::BYTEA,
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Boolean(flag) => flag.to_sql(kind, out),
            Self::Text(text) => match without_nul(text) {
                Some(text) => text.to_sql(kind, out),
                None => text.to_sql(kind, out),
            },
            Self::Key(text) => text.as_bytes().to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
