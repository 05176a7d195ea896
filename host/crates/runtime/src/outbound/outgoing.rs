//! A request as a plugin describes it, before the policy has seen it.

use std::time::Duration;

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
    /// Without headers that only the gateway sets.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The body that is a file, with a limit of its own.
    pub(crate) file: Option<FileIn>,
    pub(crate) timeouts: Timeouts,
}

/// The body that is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileIn {
    /// The gateway builds the request from files.
    Request,
    /// The response is a file.
    Response,
}

/// Timeouts that the plugin requests. Limits of the plugin can shorten them.
#[derive(Default)]
pub(crate) struct Timeouts {
    /// For the whole request.
    pub(crate) whole: Option<Duration>,
    /// For the connection.
    pub(crate) connect: Option<Duration>,
    /// For the head of the response.
    pub(crate) first_byte: Option<Duration>,
    /// For each further part of the response.
    pub(crate) between_bytes: Option<Duration>,
}
