//! `attachments`: a file of the message that is being sent, piece by piece.

use frontgate_contract::bindings::attachments::Host;
use frontgate_contract::bindings::plugin_types::Error;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;

use crate::files::{Body, Missing};
use crate::run::store::CallStore;

/// Bytes of one piece, whatever the plugin asks for.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// The file that a call reads: one at a time.
pub(crate) struct Reading {
    id: String,
    offset: u64,
    body: Body,
    /// What came and was not asked for yet.
    left: Bytes,
}

impl Reading {
    /// Bytes that wait to be asked for.
    pub(crate) fn held(&self) -> usize {
        self.left.len()
    }
}

impl Host for CallStore {
    async fn read(&mut self, id: String, offset: u64, most: u32) -> Result<Vec<u8>, Error> {
        let mut reading = match self.reading.take() {
            Some(reading) if offset > 0 && reading.id == id && reading.offset == offset => reading,
            _ if offset > 0 => return Err(Error::Invalid("a file is read from its beginning on".to_owned())),
            _ => Reading { body: self.open(&id).await.map_err(Error::from)?, id, offset, left: Bytes::new() },
        };
        while reading.left.is_empty() {
            match reading.body.frame().await {
                Some(Ok(frame)) => reading.left = frame.into_data().unwrap_or_default(),
                Some(Err(failure)) => return Err(Error::Unavailable(format!("the file broke off: {failure}"))),
                None => break,
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX);
        let piece = reading.left.split_to(most.min(reading.left.len())).to_vec();
        reading.offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.reading = Some(reading);
        Ok(piece)
    }
}

impl CallStore {
    /// A file of the message that this call is about.
    pub async fn open(&mut self, id: &str) -> Result<Body, Missing> {
        match self.reach.as_ref().and_then(|reach| reach.files.clone()) {
            Some(files) => files.open(id).await,
            None => Err(Missing::Unknown),
        }
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Unknown => Self::NotFound,
            Missing::Refused(text) => Self::Invalid(text),
            Missing::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
