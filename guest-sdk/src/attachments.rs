//! Attachments of the message that a channel sends. For large files prefer
//! [`Request::upload`](crate::http::Request::upload): the gateway streams them to the provider.
//!
//! ```
//! use frontgate_sdk::{attachments, testing};
//!
//! testing::files([("fil_1", "a small text")]);
//! assert_eq!(attachments::read("fil_1", 1024)?, b"a small text");
//! assert!(attachments::read("fil_1", 3).is_err());
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use std::io;

use crate::{Error, Result, host};

/// Reads a whole file of at most `bytes_max` bytes.
///
/// ```
/// use frontgate_sdk::{attachments, testing};
///
/// testing::files([("fil_1", "a small text")]);
/// assert_eq!(attachments::read("fil_1", 1024)?, b"a small text");
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn read(id: &str, bytes_max: usize) -> Result<Vec<u8>> {
    let mut file = open(id);
    let mut bytes = Vec::new();
    loop {
        match file.piece()? {
            piece if piece.is_empty() => return Ok(bytes),
            piece => bytes.extend(piece),
        }
        if bytes.len() > bytes_max {
            return Err(Error::invalid(format!("a file is larger than {bytes_max} bytes")));
        }
    }
}

/// Opens a file for sequential reads. The gateway fetches nothing before the first read.
///
/// ```
/// use std::io::Read as _;
///
/// use frontgate_sdk::{attachments, testing};
///
/// testing::files([("fil_1", "a small text")]);
/// let mut start = [0; 7];
/// attachments::open("fil_1").read_exact(&mut start)?;
/// assert_eq!(&start, b"a small");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open(id: &str) -> File {
    File { id: id.to_owned(), offset: 0, buffered: Vec::new() }
}

/// An open file.
#[derive(Debug)]
pub struct File {
    id: String,
    offset: u64,
    /// Fetched bytes that are not yet read.
    buffered: Vec<u8>,
}

impl File {
    /// Returns the next piece of the file, or an empty piece at the end.
    ///
    /// ```
    /// use frontgate_sdk::{attachments, testing};
    ///
    /// testing::files([("fil_1", "a small text")]);
    /// let mut file = attachments::open("fil_1");
    /// assert_eq!((file.piece()?.len(), file.piece()?.len()), (12, 0));
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn piece(&mut self) -> Result<Vec<u8>> {
        let piece = match std::mem::take(&mut self.buffered) {
            piece if piece.is_empty() => host::attachments::read(&self.id, self.offset, PIECE_BYTES)?,
            piece => return Ok(piece),
        };
        self.offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Ok(piece)
    }
}

impl io::Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.piece().map_err(|error| io::Error::other(format!("{error:?}")))?;
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.buffered = piece.split_off(length);
        Ok(length)
    }
}

const PIECE_BYTES: u32 = 65_536;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::testing;

    #[test]
    fn a_file_is_read_in_pieces_of_any_size() {
        let whole: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        testing::files([("fil_1", whole.clone()), ("fil_2", Vec::new())]);
        assert_eq!(read("fil_1", whole.len()).as_ref(), Ok(&whole));
        assert!(read("fil_1", whole.len() - 1).is_err());
        let (mut file, mut bytes, mut buffer) = (open("fil_1"), Vec::new(), [0; 1_000]);
        file.read_exact(&mut buffer).expect("a thousand bytes");
        bytes.extend(buffer);
        file.read_to_end(&mut bytes).expect("the rest");
        assert!(bytes == whole);
        assert_eq!(read("fil_2", 0), Ok(Vec::new()));
        assert_eq!(read("fil_3", 10), Err(Error::NotFound));
    }
}
