//! Errors of requests: rejected by policy, or failed.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::HeaderName;

/// Reason why the policy rejected a request. The text is for the plugin's author and the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("no outbound host granted; set `outbound` of the plugin")]
    NothingGranted,
    #[error("requests are not allowed during plugin startup")]
    Trial,
    #[error("blocked by egress policy: invalid URL: {0}")]
    Url(String),
    #[error("blocked by egress policy: URL contains credentials; bind the secret in bound_secrets")]
    UserInfo,
    #[error("blocked by egress policy: only https and http can be granted")]
    Scheme,
    #[error("blocked by egress policy: method {0} not allowed")]
    Method(Method),
    #[error("blocked by egress policy: header {name} not allowed for {host}, which has a bound secret")]
    Header { name: HeaderName, host: String },
    #[error(
        "blocked by egress policy: ambiguous path, and a secret is bound to paths of {0}; write the path without `..`, \
         `;`, `//`"
    )]
    Path(String),
    #[error("blocked by egress policy: {0} not granted; add the host to `outbound` of the plugin")]
    Host(String),
    #[error("blocked by egress policy: {host} is granted, but not over {scheme}")]
    HostScheme { host: String, scheme: &'static str },
    #[error("blocked by egress policy: {host} is granted, but not its port {port}")]
    Port { host: String, port: u16 },
    #[error("blocked by egress policy: {0} is not a public address ({1}); add its network to outbound_networks")]
    Literal(IpAddr, &'static str),
    #[error(
        "blocked by egress policy: {host} resolves to {address}, not a public address ({name}); add the network to \
         outbound_networks"
    )]
    Address { host: String, address: IpAddr, name: &'static str },
    #[error("blocked by egress policy: {host} resolves to the gateway's own address")]
    Gateway { host: String },
    #[error("held: {method} to {host} could change something, and was not sent")]
    Held { method: Method, host: String },
    #[error("outbound_requests_max = {0} reached by this call")]
    Requests(u32),
}

impl Rejection {
    pub(crate) fn url(error: url::ParseError) -> Self {
        Self::Url(error.to_string())
    }

    /// Returns the label in the metrics.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::NothingGranted => "nothing-granted",
            Self::Trial => "trial",
            Self::Url(_) => "url",
            Self::UserInfo => "user-info",
            Self::Scheme | Self::HostScheme { .. } => "scheme",
            Self::Method(_) => "method",
            Self::Header { .. } => "header",
            Self::Path(_) => "path",
            Self::Host(_) => "host",
            Self::Port { .. } => "port",
            Self::Literal(..) | Self::Address { .. } => "address",
            Self::Gateway { .. } => "gateway",
            Self::Held { .. } => "held",
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
    #[error("request not sent: {0}")]
    NotConnected(String),
    /// Nothing was sent: no access token for the bound secret.
    #[error("request not sent: {0}")]
    Token(String),
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
    /// The request was sent; the response of this host contains a bound secret.
    #[error("response withheld: contains a secret bound to {0}")]
    Secret(String),
    /// The request was sent; the response of this host cannot be searched for a bound secret.
    #[error("response of {0} withheld: cannot be searched for the bound secret ({1})")]
    Unreadable(String, &'static str),
}

impl Failure {
    /// Returns the label in the metrics.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.verdict(),
            Self::NotConnected(_) => "not-connected",
            Self::Token(_) => "token",
            Self::Timeout => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::RequestTooLarge => "request-too-large",
            Self::ResponseTooLarge(_) => "response-too-large",
            Self::Secret(_) => "secret",
            Self::Unreadable(..) => "unreadable",
        }
    }
}
