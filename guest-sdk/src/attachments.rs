//! The files of the message that a channel sends: read here, or handed on by the gateway with
//! [`Request::upload`](crate::http::Request::upload), which is better for large ones.
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

use crate::{Error, Result};

/// A whole file, which must not be larger than this.
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

/// A file, to be read from its beginning on. Nothing is fetched before the first piece.
///
/// ```
/// use std::io::Read as _;
///
/// use frontgate_sdk::{attachments, testing};
///
/// testing::files([("fil_1", "a small text")]);
/// let mut beginning = [0; 7];
/// attachments::open("fil_1").read_exact(&mut beginning)?;
/// assert_eq!(&beginning, b"a small");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open(id: &str) -> File {
    File { id: id.to_owned(), offset: 0, left: Vec::new() }
}

/// A file that is being read.
#[derive(Debug)]
pub struct File {
    id: String,
    offset: u64,
    /// What [`io::Read`] has not given away yet.
    left: Vec<u8>,
}

impl File {
    /// The next piece; an empty one at the end.
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
        let piece = match std::mem::take(&mut self.left) {
            piece if piece.is_empty() => fetch(&self.id, self.offset)?,
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
        self.left = piece.split_off(length);
        Ok(length)
    }
}

/// Bytes of one piece.
const PIECE_BYTES: u32 = 65_536;

fn fetch(id: &str, offset: u64) -> Result<Vec<u8>> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::attachments::read(id, offset, PIECE_BYTES);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::piece(id, offset, PIECE_BYTES);
}

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
