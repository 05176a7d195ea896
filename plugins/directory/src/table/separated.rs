//! Rows of a CSV file.

use std::io::{BufRead as _, BufReader, Chain, Cursor, Read, Seek, SeekFrom};
use std::mem;
use std::rc::Rc;

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::row::Row;
use crate::table::BUFFER_BYTES;

/// Bytes of the first line in which separators are counted.
const FIRST_LINE_BYTES_MAX: u64 = 64 * 1024;

/// The rows after an offset. The parser reads the header first, so that its state is the same at each row.
pub(super) struct Separated<R> {
    /// The last row, whose memory is used again if the row was not taken.
    row: Row,
    reader: Reader<Chain<Cursor<Vec<u8>>, R>>,
    /// The offset in the file minus the parser's position, which counts the header once more.
    skipped: u64,
}

impl<R: Read + Seek> Separated<R> {
    /// Opens a file at an offset; 0 is the first row.
    pub(super) fn open(mut file: R, offset: u64) -> Result<Self, String> {
        let io = |error: std::io::Error| error.to_string();
        let mut line = Vec::new();
        file.rewind().map_err(io)?;
        BufReader::new(&mut file).take(FIRST_LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(io)?;
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter(&line)).flexible(true).buffer_capacity(BUFFER_BYTES);

        file.rewind().map_err(io)?;
        let mut reader = builder.from_reader(&mut file);
        let columns: Rc<[String]> = reader.headers().map_err(text)?.iter().map(|name| name.trim().to_owned()).collect();
        let header_bytes = reader.position().byte();
        drop(reader);

        file.rewind().map_err(io)?;
        let mut header = Vec::new();
        (&mut file).take(header_bytes).read_to_end(&mut header).map_err(io)?;
        let offset = offset.max(header_bytes);
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut reader = builder.from_reader(Cursor::new(header).chain(file));
        reader.headers().map_err(text)?;
        Ok(Self { row: Row::new(&columns, StringRecord::new()), reader, skipped: offset - header_bytes })
    }

    pub(super) fn offset(&self) -> u64 {
        self.reader.position().byte() + self.skipped
    }

    pub(super) fn next_where(&mut self, mut is_wanted: impl FnMut(&Row) -> bool) -> Option<Result<Row, String>> {
        loop {
            match self.reader.read_record(&mut self.row.values) {
                Ok(true) if is_wanted(&self.row) => {
                    let next = self.row.like();
                    return Some(Ok(mem::replace(&mut self.row, next)));
                }
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(text(error))),
            }
        }
    }
}

/// Returns the most frequent separator of the first line.
fn delimiter(line: &[u8]) -> u8 {
    let count = |separator: &u8| line.iter().filter(|byte| *byte == separator).count();
    let most = [b'\t', b';', b','].into_iter().max_by_key(count);
    most.unwrap_or(b',')
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn text(error: csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => format!("{error} (save it as UTF-8)"),
        _ => error.to_string(),
    }
}
