//! Rows of a JSON file, which is a list of objects.

use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom};

use serde::Deserialize as _;
use serde_json::{Deserializer, Value};

use crate::row::Row;
use crate::table::BUFFER_BYTES;

const BOM: [u8; 3] = *b"\xef\xbb\xbf";

/// The objects after an offset.
pub(super) struct Objects<R> {
    input: Counted<R>,
    /// The offset after the last object.
    offset: u64,
}

/// An input that counts the bytes that were read.
struct Counted<R> {
    input: BufReader<R>,
    offset: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl<R: Read> Counted<R> {
    fn skip(&mut self) {
        self.input.consume(1);
        self.offset += 1;
    }

    /// Returns the next byte that is not white space, without reading it.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.input.fill_buf()?.first().copied() {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.skip();
        }
        Ok(None)
    }
}

impl<R: Read + Seek> Objects<R> {
    /// Opens a file at an offset; 0 is the first object.
    pub(super) fn open(mut file: R, offset: u64) -> Result<Self, String> {
        let io = |error: io::Error| error.to_string();
        let mut start = Vec::new();
        file.rewind().map_err(io)?;
        (&mut file).take(BOM.len() as u64).read_to_end(&mut start).map_err(io)?;
        let offset = if start == BOM { offset.max(BOM.len() as u64) } else { offset };
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let input = Counted { input: BufReader::with_capacity(BUFFER_BYTES, file), offset };
        Ok(Self { input, offset })
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn next_where(&mut self, mut is_wanted: impl FnMut(&Row) -> bool) -> Option<Result<Row, String>> {
        loop {
            let row = self.object().transpose()?;
            self.offset = self.input.offset;
            if row.as_ref().map_or(true, &mut is_wanted) {
                return Some(row);
            }
        }
    }

    /// Reads the bracket or comma and the object after it. Returns `None` at the end of the list.
    fn object(&mut self) -> Result<Option<Row>, String> {
        let mut byte = self.peek()?;
        if !matches!(byte, Some(b'[' | b',' | b']')) {
            return Err("it is not a list of objects".to_owned());
        }
        self.input.skip();
        if byte == Some(b'[') && self.peek()? == Some(b']') {
            byte = Some(b']');
            self.input.skip();
        }
        match byte {
            Some(b']') if self.peek()?.is_some() => Err("there is text after the list".to_owned()),
            Some(b']') => Ok(None),
            _ => self.row().map(Some),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, String> {
        self.input.peek().map_err(|error| error.to_string())
    }

    fn row(&mut self) -> Result<Row, String> {
        let start = self.input.offset;
        let value = Value::deserialize(&mut Deserializer::from_reader(&mut self.input));
        match value.map_err(|error| format!("the object at byte {start}: {error}"))? {
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, plain(value)));
                let (columns, values): (Vec<_>, Vec<String>) = fields.unzip();
                Ok(Row::new(&columns.into(), values.into()))
            }
            _ => Err("a member of the list is not an object".to_owned()),
        }
    }
}

fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}
