//! Responses, complete or truncated on purpose.

use std::convert::Infallible;
use std::fmt;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Response, header};

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Cut>;

/// The error that drops the connection instead of completing the response.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers: names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The complete body.
    pub body: Bytes,
    /// Whether to send only half of the body and then drop the connection.
    pub half: bool,
}

impl Reply {
    /// Creates a response without headers.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), half: false }
    }

    /// Creates a response with status 200 and a human-readable text.
    pub(crate) fn text(text: String) -> Self {
        Self::new(200, text).header("content-type", "text/plain; charset=utf-8")
    }

    /// Adds a header.
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
            return response.body(half(&reply.body)).expect("the headers are valid");
        }
        let whole = Full::new(reply.body).map_err(|never: Infallible| match never {});
        response.body(whole.boxed_unsync()).expect("the headers are valid")
    }
}

/// Returns the first half of a body, followed by an error that drops the connection.
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
