//! The destination of a request: scheme, host and port in one canonical form.

use std::fmt;
use std::net::IpAddr;

use frontgate_net::address::canonical;
use hyper::http::uri::PathAndQuery;
use url::{Host, Position, Url};

use super::failure::Rejection;

/// Scheme, host and port of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(super) tls: bool,
    /// A name in lower case without a trailing dot, or an address without brackets.
    host: String,
    /// The host as an address, if it is one.
    address: Option<IpAddr>,
    pub(super) port: u16,
}

/// A destination with path and query.
pub(crate) type Target = (Destination, PathAndQuery);

impl Destination {
    /// Parses a plugin's URL. Rejects control characters: the parser would drop them, which would change the path.
    pub(crate) fn target(url: &str) -> Result<Target, Rejection> {
        if url.contains(|c: char| c.is_ascii_control()) {
            return Err(Rejection::Url("control character".to_owned()));
        }
        Self::target_of(&Url::parse(url).map_err(Rejection::url)?)
    }

    /// Splits a parsed URL into destination and path. Rejects a path that cannot be sent.
    pub(crate) fn target_of(url: &Url) -> Result<Target, Rejection> {
        let destination = Self::of(url)?;
        let path = url[Position::BeforePath..Position::AfterQuery].parse();
        Ok((destination, path.map_err(|_| Rejection::Url("invalid URL path, or longer than 65,534 bytes".to_owned()))?))
    }

    /// Returns the destination of a URL. The WHATWG parser recognises every notation of an address, as browsers do.
    pub(crate) fn of(url: &Url) -> Result<Self, Rejection> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Rejection::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Rejection::UserInfo);
        }
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (name.strip_suffix('.').unwrap_or(name).to_owned(), None),
            Some(Host::Ipv4(address)) => literal(address.into()),
            Some(Host::Ipv6(address)) => literal(address.into()),
            None => return Err(Rejection::Url("no host".to_owned())),
        };
        if host.is_empty() {
            return Err(Rejection::Url("no host".to_owned()));
        }
        let port = url.port_or_known_default().ok_or(Rejection::Scheme)?;
        Ok(Self { tls, host, address, port })
    }

    /// Returns the destination of a request whose scheme and authority are separate from its path.
    pub(crate) fn of_authority(scheme: &str, authority: &str) -> Result<Self, Rejection> {
        let url = Url::parse(&format!("{scheme}://{authority}")).map_err(Rejection::url)?;
        // The parser accepts an `@` with nothing before it.
        if authority.contains('@') {
            return Err(Rejection::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(Rejection::Url("authority with more than host and port".to_owned()));
        }
        Self::of(&url)
    }

    /// Returns the host without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the value of the `Host` header, with the port only if the port is not the default.
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

/// Omits path and query, which may contain personal data.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}
