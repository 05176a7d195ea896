//! Reads the file as rows of named values, from any row on: CSV with any common separator, or a JSON list of objects.

mod objects;
mod separated;

use std::io::{Cursor, Read, Seek};

use frontgate_sdk::{Error, Result};

use crate::row::Row;
use crate::table::objects::Objects;
use crate::table::separated::Separated;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 32 * 1024;

/// The rows of a file, read one by one.
pub(crate) struct Rows<R> {
    path: String,
    format: Format<R>,
}

enum Format<R> {
    Separated(Separated<R>),
    Objects(Objects<R>),
}

impl<R: Read + Seek> Rows<R> {
    /// Opens a file with this name at an offset that [`Rows::offset`] returned, or at 0.
    pub(crate) fn open(path: &str, file: R, offset: u64) -> Result<Self> {
        let format = match path.rsplit_once('.') {
            Some((_, "json")) => Objects::open(file, offset).map(Format::Objects),
            _ => Separated::open(file, offset).map(Format::Separated),
        };
        Ok(Self { path: path.to_owned(), format: format.map_err(|problem| failed(path, &problem))? })
    }

    /// Returns the offset after the last returned row.
    pub(crate) fn offset(&self) -> u64 {
        match &self.format {
            Format::Separated(rows) => rows.offset(),
            Format::Objects(rows) => rows.offset(),
        }
    }

    /// Returns the next row that is wanted.
    pub(crate) fn next_where(&mut self, is_wanted: impl FnMut(&Row) -> bool) -> Option<Result<Row>> {
        let row = match &mut self.format {
            Format::Separated(rows) => rows.next_where(is_wanted),
            Format::Objects(rows) => rows.next_where(is_wanted),
        };
        row.map(|row| row.map_err(|problem| failed(&self.path, &problem)))
    }
}

impl<R: Read + Seek> Iterator for Rows<R> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_where(|_| true)
    }
}

/// Reads all rows of a file with this name and content.
pub(crate) fn read(path: &str, text: &str) -> Result<Vec<Row>> {
    Rows::open(path, Cursor::new(text), 0)?.collect()
}

fn failed(path: &str, problem: &str) -> Error {
    Error::failed(format!("`{path}`: {problem}"))
}
