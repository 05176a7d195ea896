//! Where a request of a plugin leads: scheme, host and port in one notation, whatever was written.

use std::fmt;
use std::net::IpAddr;

use frontgate_net::address::canonical;
use hyper::http::uri::PathAndQuery;
use url::{Host, Position, Url};

use super::refusal::Refusal;

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(super) tls: bool,
    /// A name in lower case without the dot at its end, or an address without brackets.
    host: String,
    /// The host, where it is an address.
    address: Option<IpAddr>,
    pub(super) port: u16,
}

/// A destination, and the path and query that are requested there.
pub(crate) type Aim = (Destination, PathAndQuery);

impl Destination {
    /// Parses a plugin's URL. Rejects control characters: the parser would drop them, and request another path.
    pub(crate) fn aim(url: &str) -> Result<Aim, Refusal> {
        if url.contains(|c: char| c.is_ascii_control()) {
            return Err(Refusal::Url("it contains a control character".to_owned()));
        }
        Self::aim_at(&Url::parse(url).map_err(Refusal::url)?)
    }

    /// Takes a parsed URL apart. A path that cannot be sent is refused, never replaced.
    pub(crate) fn aim_at(url: &Url) -> Result<Aim, Refusal> {
        let to = Self::of(url)?;
        let path = url[Position::BeforePath..Position::AfterQuery].parse();
        Ok((to, path.map_err(|_| Refusal::Url("invalid URL path, or longer than 65,534 bytes".to_owned()))?))
    }

    /// What a URL names. The parser is that of browsers: it knows the addresses that do not look like any.
    pub(crate) fn of(url: &Url) -> Result<Self, Refusal> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Refusal::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (name.strip_suffix('.').unwrap_or(name).to_owned(), None),
            Some(Host::Ipv4(address)) => literal(address.into()),
            Some(Host::Ipv6(address)) => literal(address.into()),
            None => return Err(Refusal::Url("it names no host".to_owned())),
        };
        if host.is_empty() {
            return Err(Refusal::Url("it names no host".to_owned()));
        }
        let port = url.port_or_known_default().ok_or(Refusal::Scheme)?;
        Ok(Self { tls, host, address, port })
    }

    /// The same for a request whose scheme and authority come apart from its path.
    pub(crate) fn of_authority(scheme: &str, authority: &str) -> Result<Self, Refusal> {
        let url = Url::parse(&format!("{scheme}://{authority}")).map_err(Refusal::url)?;
        // What has an `@` with nothing before it is not taken for user-info by the parser.
        if authority.contains('@') {
            return Err(Refusal::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(Refusal::Url("its authority is more than host and port".to_owned()));
        }
        Self::of(&url)
    }

    /// The host without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// As in a `Host` header: the port stands there only if it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let port = if self.tls { 443 } else { 80 };
        let host = match self.address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.port == port { host } else { format!("{host}:{}", self.port) }
    }
}

fn literal(address: IpAddr) -> (String, Option<IpAddr>) {
    let address = canonical(address);
    (address.to_string(), Some(address))
}

/// Without path and query, which may say something about a customer.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}
