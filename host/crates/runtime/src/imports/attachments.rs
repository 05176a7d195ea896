//! `attachments`: reads a file of the message that is being sent, piece by piece.

use std::sync::Arc;

use frontgate_contract::bindings::attachments::Host;
use frontgate_contract::bindings::plugin_types::Error;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use wasmtime::component::HasData;

use crate::files::{Body, FileError, Files};

/// Maximum size of a piece in bytes, even if the plugin requests more.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// The file that a call is reading: one at a time.
pub(crate) struct Reading {
    id: String,
    offset: u64,
    body: Body,
    /// Received bytes that the plugin has not requested yet.
    buffered: Bytes,
}

impl Reading {
    /// Returns the number of bytes that the gateway buffers.
    pub(crate) fn held(&self) -> usize {
        self.buffered.len()
    }
}

/// Host side of the import `attachments` for one call.
pub(crate) struct AttachmentsHost<'a> {
    /// Files of the message; `None` if the call is not about a message.
    pub(crate) files: Option<&'a Arc<dyn Files>>,
    pub(crate) reading: &'a mut Option<Reading>,
}

impl HasData for AttachmentsHost<'static> {
    type Data<'a> = AttachmentsHost<'a>;
}

impl Host for AttachmentsHost<'_> {
    async fn read(&mut self, id: String, offset: u64, most: u32) -> Result<Vec<u8>, Error> {
        let mut reading = match self.reading.take() {
            Some(reading) if offset > 0 && reading.id == id && reading.offset == offset => reading,
            _ if offset > 0 => return Err(Error::Invalid("files are read sequentially from the start".to_owned())),
            _ => Reading { body: open(self.files, &id).await?, id, offset, buffered: Bytes::new() },
        };
        while reading.buffered.is_empty() {
            match reading.body.frame().await {
                Some(Ok(frame)) => reading.buffered = frame.into_data().unwrap_or_default(),
                Some(Err(failure)) => return Err(Error::Unavailable(format!("failed to read the file: {failure}"))),
                None => break,
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX);
        let piece = reading.buffered.split_to(most.min(reading.buffered.len())).to_vec();
        reading.offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        *self.reading = Some(reading);
        Ok(piece)
    }
}

/// Opens a file of the message that a call is about.
pub(crate) async fn open(files: Option<&Arc<dyn Files>>, id: &str) -> Result<Body, FileError> {
    match files {
        Some(files) => files.open(id).await,
        None => Err(FileError::Unknown),
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Unknown => Self::NotFound,
            FileError::Rejected(text) => Self::Invalid(text),
            FileError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
