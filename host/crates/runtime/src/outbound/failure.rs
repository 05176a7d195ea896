//! Errors of requests: rejected by policy, or failed.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::HeaderName;

/// Reason why the policy rejected a request. The text is for the plugin's author and the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("no outbound host is granted to this plugin")]
    NothingGranted,
    #[error("a trial start sends no requests")]
    Trial,
    #[error("blocked by egress policy: the URL cannot be used: {0}")]
    Url(String),
    #[error("blocked by egress policy: user and password do not belong in a URL")]
    UserInfo,
    #[error("blocked by egress policy: only https and http can be granted")]
    Scheme,
    #[error("blocked by egress policy: the method {0} is not sent")]
    Method(Method),
    #[error("blocked by egress policy: the header {0} is not sent to a host with a bound secret")]
    Header(HeaderName),
    #[error(
        "blocked by egress policy: servers may interpret the path differently, and a secret is bound to paths of this host"
    )]
    Path,
    #[error("blocked by egress policy: {0} is not granted")]
    Host(String),
    #[error("blocked by egress policy: {host} is granted, but not over {scheme}")]
    HostScheme { host: String, scheme: &'static str },
    #[error("blocked by egress policy: {host} is granted, but not its port {port}")]
    Port { host: String, port: u16 },
    #[error("blocked by egress policy: {0} is not public ({1})")]
    Literal(IpAddr, &'static str),
    #[error("blocked by egress policy: {host} resolves to {address}, which is not public ({name})")]
    Address { host: String, address: IpAddr, name: &'static str },
    #[error("blocked by egress policy: {host} leads to the gateway itself")]
    Gateway { host: String },
    #[error("outbound_requests_max = {0} reached by this call")]
    Requests(u32),
}

impl Rejection {
    pub(crate) fn url(error: url::ParseError) -> Self {
        Self::Url(error.to_string())
    }

    /// Label in the metrics.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::NothingGranted => "nothing-granted",
            Self::Trial => "trial",
            Self::Url(_) => "url",
            Self::UserInfo => "user-info",
            Self::Scheme | Self::HostScheme { .. } => "scheme",
            Self::Method(_) => "method",
            Self::Header(_) => "header",
            Self::Path => "path",
            Self::Host(_) => "host",
            Self::Port { .. } => "port",
            Self::Literal(..) | Self::Address { .. } => "address",
            Self::Gateway { .. } => "gateway",
            Self::Requests(_) => "requests",
        }
    }
}

/// Reason why a request has no response.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// Rejected by policy.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Nothing was sent.
    #[error("nothing was sent: {0}")]
    NotConnected(String),
    /// The request was sent; no response arrived in time.
    #[error("no response in time")]
    Timeout,
    /// The request was sent; the connection failed.
    #[error("connection interrupted: {0}")]
    Interrupted(String),
    /// The body of the request is too large.
    #[error("request exceeds outbound_request_bytes_max")]
    RequestTooLarge,
    /// Header or body of the response is too large.
    #[error("response too large: {0}")]
    ResponseTooLarge(&'static str),
    /// The request was sent; the response contains a bound secret.
    #[error("answer withheld: it contains a secret that is bound to this host")]
    Secret,
    /// The request was sent; the response cannot be searched for a bound secret.
    #[error("answer withheld: {0} prevents the search for a bound secret")]
    Unreadable(&'static str),
}

impl Failure {
    /// Label in the metrics.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.verdict(),
            Self::NotConnected(_) => "not-connected",
            Self::Timeout => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::RequestTooLarge => "request-too-large",
            Self::ResponseTooLarge(_) => "response-too-large",
            Self::Secret => "secret",
            Self::Unreadable(_) => "unreadable",
        }
    }
}
