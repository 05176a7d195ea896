//! Reads a request's body within its limits, and rejects requests that two servers could interpret differently.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING};
use tokio::time::{Instant, timeout_at};

use crate::connections::{Connection, Exhausted, Reservation, UNCOUNTED_BYTES};
use crate::error::Error;
use crate::headers::single;
use crate::settings::Server;

/// Size of the blocks that store a body of several pieces, in bytes. The budget does not count the first block.
const BLOCK_BYTES: usize = UNCOUNTED_BYTES;

/// Rejects a request whose framing or meaning depends on which of two headers a server uses.
///
/// hyper itself rejects conflicting lengths. If a body is chunked and has a length, hyper ignores the length and closes
/// the connection afterwards. Of several transfer codings, hyper checks only the last one.
pub(crate) fn reject_ambiguous(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get_all(HOST).iter().count() {
        1 => {}
        0 => return Err(Error::Ambiguous("no Host header")),
        _ => return Err(Error::Ambiguous("more than one Host header")),
    }
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    let coding =
        single(headers, &TRANSFER_ENCODING).map_err(|_| Error::Ambiguous("more than one Transfer-Encoding header"))?;
    if coding.is_some_and(|coding| !chunked(coding)) {
        return Err(Error::Ambiguous("Transfer-Encoding other than chunked"));
    }
    single(headers, &CONTENT_TYPE).map_err(|_| Error::Ambiguous("more than one Content-Type header"))?;
    Ok(())
}

/// Reads the whole body within these limits:
/// - a size in bytes,
/// - `server.body_timeout_ms` and the callback's deadline,
/// - `server.unverified_body_bytes_max` for all unverified bodies: drop the reservation once the request is verified.
pub(crate) async fn read<'c>(
    body: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
    limits: &Server,
    deadline: Instant,
    caller: &'c Connection,
) -> Result<(Bytes, Reservation<'c>), Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Error::BodyTooLarge);
    }
    let mut reservation = caller.bodies().reserve(caller.network());
    let timeout = Instant::now() + Duration::from_millis(limits.body_timeout_ms);
    let read = collect(body, bytes_max, &mut reservation);
    let bytes = timeout_at(timeout.min(deadline), read).await.map_err(|_| Error::BodyTimeout)??;
    Ok((bytes, reservation))
}

/// Collects the body. A body of one piece is not copied. If there are several, each piece is copied at once, because it
/// keeps its whole read buffer alive, and a caller can send pieces of one byte.
async fn collect(mut body: Incoming, bytes_max: usize, reservation: &mut Reservation<'_>) -> Result<Bytes, Error> {
    let (mut first, mut all) = (Bytes::new(), Blocks::default());
    loop {
        let frame = match reservation.revoked().cloned() {
            None => body.frame().await,
            Some(revoked) => tokio::select! {
                frame = body.frame() => frame,
                () = revoked.cancelled() => return Err(exhausted(Exhausted)),
            },
        };
        let Some(frame) = frame else {
            return Ok(if all.length == 0 { first } else { all.joined() });
        };
        // Trailers are ignored.
        let Ok(piece) = frame.map_err(|_| Error::BodyBroken)?.into_data() else { continue };
        let length = first.len() + all.length + piece.len();
        if length > bytes_max {
            return Err(Error::BodyTooLarge);
        }
        if length == piece.len() {
            reservation.grow(length).await.map_err(exhausted)?;
            first = piece;
            continue;
        }
        reservation.grow(length.next_multiple_of(BLOCK_BYTES)).await.map_err(exhausted)?;
        all.push(&std::mem::take(&mut first));
        all.push(&piece);
    }
}

/// Bytes in blocks of equal size. Memory freed by one body fits the next one, whatever their sizes.
#[derive(Default)]
struct Blocks {
    blocks: Vec<Vec<u8>>,
    length: usize,
}

impl Blocks {
    fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len();
        while !bytes.is_empty() {
            if self.blocks.last().is_none_or(|block| block.len() == BLOCK_BYTES) {
                self.blocks.push(Vec::with_capacity(BLOCK_BYTES));
            }
            let block = self.blocks.last_mut().expect("a block that has room");
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - block.len()));
            block.extend_from_slice(now);
            bytes = later;
        }
    }

    fn joined(self) -> Bytes {
        let mut all = Vec::with_capacity(self.length);
        // Each block is freed once it is copied.
        self.blocks.into_iter().for_each(|block| all.extend_from_slice(&block));
        all.into()
    }
}

fn exhausted(_: Exhausted) -> Error {
    Error::BodiesFull
}
