//! `[server]` and `[admin]`: the listeners for platforms and for operators.

mod listen;
mod proxies;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;

use frontgate_settings::mask_user_info;
use frontgate_tls::Settings as Tls;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use smart_default::SmartDefault;
use url::Url;

pub use self::listen::Listen;
pub(crate) use self::proxies::is_trusted;
pub use self::proxies::{ForwardedHeader, TrustedProxy};

/// The public listener for Twilio and Front.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port of the public listener. Or `unix:PATH`, a Unix socket that the gateway creates, for a proxy on the
    /// same machine. Or `systemd`, the socket of a socket unit; `systemd:NAME` if the unit has several.
    #[schemars(extend("x-restart" = true))]
    pub listen: Listen,
    /// URL that the platforms were given, exactly as written there: signatures are checked against it. Behind a proxy
    /// or tunnel, the outside URL. Default: the address in `listen`, with HTTPS if `tls` has a certificate.
    pub public_url: Option<PublicUrl>,
    /// Open connections. When all are in use, a connection without a verified request is closed for a new one. A lower
    /// limit on open files lowers this value.
    #[default = 4_096]
    #[schemars(range(min = 1, max = 1_000_000), extend("x-restart" = true))]
    pub connections_max: usize,
    /// Percentage of connections that is reserved for those with a verified request.
    #[default = 50]
    #[schemars(range(min = 0, max = CONNECTIONS_VERIFIED_PERCENT_MAX), extend("x-restart" = true))]
    pub connections_verified_percent: u8,
    /// Open connections from one IPv4 address or one IPv6 network (/64). Behind a proxy, set `trusted_proxies`: then each
    /// caller has this limit for its requests in progress, and the proxy has none.
    #[default = 1_024]
    #[schemars(range(min = 1, max = 1_000_000), extend("x-restart" = true))]
    pub connections_per_address_max: usize,
    /// Proxies that name the address of the caller: addresses, networks such as `10.0.0.0/8`, or `unix` for the peers of a
    /// Unix socket. The address is used for limits and the log, never for signatures.
    #[schemars(extend("x-restart" = true))]
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Header in which trusted proxies list addresses: `x-forwarded-for` or `forwarded` (RFC 7239). The caller's is the last
    /// address that is no trusted proxy. The other header is ignored.
    #[schemars(extend("x-restart" = true))]
    pub forwarded_header: ForwardedHeader,
    /// Whether connections of trusted proxies begin with a header of the PROXY protocol, version 1 or 2.
    #[schemars(extend("x-restart" = true))]
    pub proxy_protocol: bool,
    /// Whether log lines about rejected requests contain the caller's address (`client`), which is personal data.
    #[default = true]
    pub log_client_addresses: bool,
    /// Age at which a connection is closed, between two requests if possible.
    #[default = 300_000]
    #[schemars(range(min = 1, max = 86_400_000), extend("x-restart" = true))]
    pub connection_age_ms: u64,
    /// Timeout of a request's header, including the idle time before it.
    #[default = 5_000]
    #[schemars(range(min = 1, max = 86_400_000), extend("x-restart" = true))]
    pub header_timeout_ms: u64,
    /// Maximum size of request line and header fields in bytes.
    // hyper rejects a smaller buffer.
    #[default(16 << 10)]
    #[schemars(range(min = 8_192, max = 1 << 30), extend("x-restart" = true))]
    pub header_bytes_max: usize,
    /// Header fields of one request.
    #[default = 64]
    #[schemars(range(min = 1, max = 10_000), extend("x-restart" = true))]
    pub headers_max: usize,
    /// Timeout of a request's body, from the end of the header.
    #[default = 3_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub body_timeout_ms: u64,
    /// Maximum size of a request's body in bytes.
    #[default(256 << 10)]
    #[schemars(range(min = 1, max = 1 << 30))]
    pub body_bytes_max: usize,
    /// Memory in bytes for the bodies of all unverified requests, without their first 8192 bytes. When it is used up,
    /// the largest requests get 503. At least the largest `body_bytes_max`.
    #[default(8 << 20)]
    #[schemars(range(min = 65_536, max = 64_u64 << 30), extend("x-restart" = true))]
    pub unverified_body_bytes_max: usize,
    /// Maximum size in bytes of signed text for which a signature mismatch is explained in the log.
    #[default(16 << 10)]
    pub explain_bytes_max: usize,
    /// Signature mismatches per second that are explained. Anyone can cause a mismatch.
    #[default = 5]
    pub explanations_per_second_max: u32,
    /// Log lines per second about rejected unverified requests. `/metrics` counts all of them.
    #[default = 20]
    pub refusal_lines_per_second_max: u32,
    /// Timeout of writing a response to a caller that does not read it.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 86_400_000), extend("x-restart" = true))]
    pub write_timeout_ms: u64,
    /// Time after SIGTERM or SIGINT for which requests are still accepted while `/readyz` returns 503.
    #[default = 0]
    #[schemars(range(min = 0, max = 86_400_000), extend("x-restart" = true))]
    pub shutdown_delay_ms: u64,
    /// Time after that for accepted requests to finish.
    #[default = 25_000]
    #[schemars(range(min = 0, max = 86_400_000), extend("x-restart" = true))]
    pub shutdown_grace_ms: u64,
    /// TLS of the public listener.
    pub tls: Option<Tls>,
}

/// Every connection starts without a verified request, so some places must be left for such connections.
const CONNECTIONS_VERIFIED_PERCENT_MAX: u8 = 95;

impl Server {
    /// Returns the scheme of the public listener.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Returns whether connections from this machine begin with a header of the PROXY protocol.
    pub fn expects_proxy_header(&self) -> bool {
        self.proxy_protocol && is_trusted(&self.trusted_proxies, self.listen.address().map(|address| address.ip()))
    }

    /// Returns the number of connections that may lack a verified request. At least 1: every connection starts so.
    pub fn unverified_connections_max(&self, connections_max: usize) -> usize {
        let kept = connections_max * usize::from(self.connections_verified_percent.min(100)) / 100;
        (connections_max - kept).max(1)
    }
}

/// The URL that platforms call. `Debug` and `Serialize` never show the user and password that it may contain.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Returns why the URL cannot be the one that platforms call; `None` if it can.
    pub fn problem(&self) -> Option<String> {
        match Url::parse(&self.0) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
                Some("is neither an https nor an http URL".to_owned())
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Some("has a query or a fragment".to_owned())
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Self(text.to_owned());
        url.problem().map_or(Ok(url), Err)
    }
}

impl Deref for PublicUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicUrl")
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&mask_user_info(&self.0))
    }
}

/// The listener for operators: health, status, metrics and commands.
#[derive(Debug, PartialEq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port of the operators' listener. Keep it off the internet.
    #[default(SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)))]
    #[schemars(extend("x-restart" = true))]
    pub listen: SocketAddr,
    /// Host names of this listener, without a port, in addition to its addresses and `localhost`. Requests for other
    /// names are rejected, so that pages in a browser cannot read it.
    pub hosts: Vec<String>,
    /// Path of the Unix socket for commands such as `frontgate reload`. Only the gateway's user can open it.
    #[default(PathBuf::from("data/run/frontgate.sock"))]
    #[schemars(extend("x-restart" = true))]
    pub socket: PathBuf,
}
