//! Values of parameters and columns, with the conversions from and to Rust types.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{Error, Result};

/// A value of a parameter or a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'c> {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// True or false; SQLite stores it as 1 or 0.
    Boolean(bool),
    /// A text. NUL, which Postgres rejects, is stored as U+2400 by both engines.
    Text(&'c str),
    /// A text that may contain NUL and is ordered by its bytes: TEXT in SQLite, `bytea` in Postgres.
    Key(&'c str),
    /// Bytes.
    Bytes(&'c [u8]),
}

/// A parameter of [`Cell::Key`].
#[derive(Debug, Clone, Copy)]
pub struct Key<'k>(pub &'k str);

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// See [`Cell::Text`].
    Text,
    /// See [`Cell::Key`].
    Key,
    /// Bytes.
    Bytes,
}

/// A parameter of a statement.
pub trait Value {
    /// Returns the value.
    fn cell(&self) -> Cell<'_>;

    /// Returns the type, also of NULL.
    fn kind(&self) -> Kind;
}

/// A parameter that is not NULL.
pub trait Scalar {
    /// The type.
    const KIND: Kind;

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

impl<T: Scalar + ?Sized> Value for T {
    fn cell(&self) -> Cell<'_> {
        Scalar::cell(self)
    }

    fn kind(&self) -> Kind {
        T::KIND
    }
}

impl<T: Scalar> Value for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Scalar::cell)
    }

    fn kind(&self) -> Kind {
        T::KIND
    }
}

impl<T: Scalar> Value for &Option<T> {
    fn cell(&self) -> Cell<'_> {
        Value::cell(*self)
    }

    fn kind(&self) -> Kind {
        Value::kind(*self)
    }
}

impl<T: Scalar + ?Sized> Scalar for &T {
    const KIND: Kind = T::KIND;

    fn cell(&self) -> Cell<'_> {
        Scalar::cell(*self)
    }
}

impl Scalar for i64 {
    const KIND: Kind = Kind::Integer;

    fn cell(&self) -> Cell<'_> {
        Cell::Integer(*self)
    }
}

impl Scalar for u32 {
    const KIND: Kind = Kind::Integer;

    fn cell(&self) -> Cell<'_> {
        Cell::Integer((*self).into())
    }
}

impl Scalar for u16 {
    const KIND: Kind = Kind::Integer;

    fn cell(&self) -> Cell<'_> {
        Cell::Integer((*self).into())
    }
}

impl Scalar for bool {
    const KIND: Kind = Kind::Boolean;

    fn cell(&self) -> Cell<'_> {
        Cell::Boolean(*self)
    }
}

impl Scalar for str {
    const KIND: Kind = Kind::Text;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Scalar for String {
    const KIND: Kind = Kind::Text;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Scalar for Arc<str> {
    const KIND: Kind = Kind::Text;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Scalar for Key<'_> {
    const KIND: Kind = Kind::Key;

    fn cell(&self) -> Cell<'_> {
        Cell::Key(self.0)
    }
}

impl Scalar for [u8] {
    const KIND: Kind = Kind::Bytes;

    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Scalar for Vec<u8> {
    const KIND: Kind = Kind::Bytes;

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
            Cell::Text(text) | Cell::Key(text) => Ok(text.to_owned()),
            Cell::Bytes(bytes) => std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Error::Column("not UTF-8")),
            _ => Err(Error::Column("not a text")),
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes.to_owned()),
            // SQLite keeps the type of the inserted value, so bytes may be stored as text.
            Cell::Text(text) | Cell::Key(text) => Ok(text.as_bytes().to_owned()),
            _ => Err(Error::Column("not bytes")),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Result<Self> {
        if cell == Cell::Null { Ok(None) } else { T::read(cell).map(Some) }
    }
}

/// Longest text that is part of an index, in bytes. Postgres rejects an index entry of more than 2,704 bytes.
const INDEXED_BYTES_MAX: usize = 512;

/// Returns a text that identifies a row, short enough for an index: a longer one is replaced by its SHA-256 digest.
pub fn indexed(text: String) -> String {
    if text.len() <= INDEXED_BYTES_MAX {
        return text;
    }
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(&text)))
}

/// Replaces NUL by U+2400, the symbol for NUL. Returns `None` for a text without NUL.
pub(crate) fn without_nul(text: &str) -> Option<String> {
    text.contains('\0').then(|| text.replace('\0', "\u{2400}"))
}
