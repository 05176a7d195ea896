//! Reads a request's body within its limits, and refuses requests that two servers could read in
//! two ways.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::time::{Instant, timeout_at};

use crate::connections::{Connection, Exhausted, FREE_BYTES, Hold};
use crate::error::Error;
use crate::settings::Server;

/// What a body that comes in several pieces is kept in; the first block is free.
const BLOCK_BYTES: usize = FREE_BYTES;

/// Refuses a request whose framing or meaning depends on which of two headers is read.
///
/// hyper itself refuses differing lengths, and lets a chunked body win over a length and closes the connection after
/// it. Of transfer codings it looks at the last one only.
pub fn unambiguous(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get_all(HOST).iter().count() {
        1 => {}
        0 => return Err(Error::Ambiguous("there is no Host header")),
        _ => return Err(Error::Ambiguous("there is more than one Host header")),
    }
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    let coding = only(headers, &TRANSFER_ENCODING, "more than one Transfer-Encoding header")?;
    if coding.is_some_and(|coding| !chunked(coding)) {
        return Err(Error::Ambiguous("Transfer-Encoding other than chunked"));
    }
    only(headers, &CONTENT_TYPE, "more than one Content-Type header")?;
    Ok(())
}

/// A header that is there once, or not at all.
pub fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    problem: &'static str,
) -> Result<Option<&'h HeaderValue>, Error> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_some() {
        return Err(Error::Ambiguous(problem));
    }
    Ok(first)
}

/// The whole body, within a size, `server.body_timeout_ms`, the callback's deadline, and
/// `server.unverified_body_bytes_max` for all of them. What it holds of the last is given back when the hold is dropped:
/// when the request was verified.
pub async fn read<'c>(
    body: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
    limits: &Server,
    deadline: Instant,
    caller: &'c Connection,
) -> Result<(Bytes, Hold<'c>), Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Error::BodyTooLarge);
    }
    let mut hold = caller.bodies().hold(caller.network());
    let patience = Instant::now() + Duration::from_millis(limits.body_timeout_ms);
    let read = collect(body, bytes_max, &mut hold);
    let bytes = timeout_at(patience.min(deadline), read).await.map_err(|_| Error::BodyTimeout)??;
    Ok((bytes, hold))
}

/// A body that comes in one piece is passed on as it is. Of others, each piece is copied at once: it keeps the buffer
/// that it was read into, and a caller can send a body in pieces of one byte.
async fn collect(mut body: Incoming, bytes_max: usize, hold: &mut Hold<'_>) -> Result<Bytes, Error> {
    let (mut first, mut all) = (Bytes::new(), Blocks::default());
    loop {
        let frame = match hold.revoked().cloned() {
            None => body.frame().await,
            Some(revoked) => tokio::select! {
                frame = body.frame() => frame,
                () = revoked.cancelled() => return Err(exhausted(Exhausted)),
            },
        };
        let Some(frame) = frame else {
            return Ok(if all.length == 0 { first } else { all.joined() });
        };
        // What comes after the body is not for us.
        let Ok(piece) = frame.map_err(|_| Error::BodyBroken)?.into_data() else { continue };
        let length = first.len() + all.length + piece.len();
        if length > bytes_max {
            return Err(Error::BodyTooLarge);
        }
        if length == piece.len() {
            hold.grow(length).await.map_err(exhausted)?;
            first = piece;
            continue;
        }
        hold.grow(length.next_multiple_of(BLOCK_BYTES)).await.map_err(exhausted)?;
        all.push(&std::mem::take(&mut first));
        all.push(&piece);
    }
}

/// Bytes in blocks of one size: what one body gives back fits the next one, however large both are.
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
        // Each block is given back once it is copied.
        self.blocks.into_iter().for_each(|block| all.extend_from_slice(&block));
        all.into()
    }
}

fn exhausted(_: Exhausted) -> Error {
    Error::BodiesFull
}
