//! A request as a plugin describes it, before the policy has checked the request.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};

use super::body::Body;
use super::destination::Target;
use super::failure::Rejection;

/// A request of a plugin.
pub(crate) struct Outgoing {
    pub(crate) target: Result<Target, Rejection>,
    pub(crate) method: Method,
    /// Whether to insert secrets that are bound to the destination.
    pub(crate) with_secrets: bool,
    /// Headers of the plugin, without those that only the gateway sets.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The body once more, if it is in memory: to repeat the request with another access token.
    pub(crate) repeated: Option<Bytes>,
    /// The body that is a file, if any. Files have their own size limit.
    pub(crate) file: Option<FileIn>,
    pub(crate) timeouts: Timeouts,
}

/// The body that is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileIn {
    /// The body of the request, which the gateway builds from files.
    Request,
    /// The body of the response.
    Response,
}

/// Timeouts that the plugin requests. Limits of the plugin can shorten them.
#[derive(Default)]
pub(crate) struct Timeouts {
    /// Timeout for the whole request.
    pub(crate) whole: Option<Duration>,
    /// Timeout for the connection.
    pub(crate) connect: Option<Duration>,
    /// Timeout for the head of the response.
    pub(crate) first_byte: Option<Duration>,
    /// Timeout for each further part of the response.
    pub(crate) between_bytes: Option<Duration>,
}
