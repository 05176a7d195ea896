//! What is sent back, whole or only half of it.

use std::convert::Infallible;
use std::fmt;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Response, header};

pub type Body = UnsyncBoxBody<Bytes, Cut>;

/// The connection ends here.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// What is sent back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Only half of the body is sent.
    pub half: bool,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), half: false }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Reply> for Response<Body> {
    fn from(reply: Reply) -> Self {
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(*name, value);
        }
        if reply.half {
            let response = response.header(header::CONTENT_LENGTH, reply.body.len());
            return response.body(half(&reply.body)).expect("headers of our own");
        }
        let whole = Full::new(reply.body).map_err(|never: Infallible| match never {});
        response.body(whole.boxed_unsync()).expect("headers of our own")
    }
}

/// The first half; then, when that has been written, the end of the connection.
fn half(body: &Bytes) -> Body {
    let start = Some(body.slice(..body.len() / 2));
    let frames = stream::unfold(start, |rest| async move {
        let Some(bytes) = rest else {
            tokio::task::yield_now().await;
            return Some((Err(Cut), None));
        };
        Some((Ok(Frame::data(bytes)), None))
    });
    StreamBody::new(frames).boxed_unsync()
}
