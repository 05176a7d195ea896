//! Why a request of a plugin has no answer: refused by policy, or failed on the way.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::HeaderName;

/// Why a request is not even tried. The text is for the plugin's author and for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no outbound host is granted to this plugin")]
    NothingGranted,
    #[error("a plugin's start reaches nothing")]
    Trial,
    #[error("blocked by egress policy: the URL cannot be used: {0}")]
    Url(String),
    #[error("blocked by egress policy: user and password do not belong into a URL")]
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
    #[error("the call has had its outbound_requests_max = {0} requests")]
    Requests(u32),
}

impl Refusal {
    pub(crate) fn url(error: url::ParseError) -> Self {
        Self::Url(error.to_string())
    }

    /// As in the metrics.
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

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// By policy.
    #[error(transparent)]
    Forbidden(#[from] Refusal),
    /// Nothing was sent.
    #[error("nothing was sent: {0}")]
    NotConnected(String),
    /// Something was sent, and the time is over.
    #[error("no answer in time")]
    Timeout,
    /// Something was sent, and it broke.
    #[error("it broke off: {0}")]
    Interrupted(String),
    /// The body of the request.
    #[error("the request is larger than outbound_request_bytes_max")]
    RequestTooLarge,
    /// Header or body of the answer.
    #[error("the answer is too large: {0}")]
    ResponseTooLarge(&'static str),
    /// Something was sent, and the answer contains a bound secret.
    #[error("answer withheld: it contains a secret that is bound to this host")]
    Secret,
    /// Something was sent, and the answer cannot be searched for a bound secret.
    #[error("answer withheld: {0} prevents the search for a bound secret")]
    Unreadable(&'static str),
}

impl Failure {
    /// As in the metrics.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::Forbidden(refusal) => refusal.verdict(),
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
