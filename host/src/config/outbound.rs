//! Where a plugin may send requests, and the secrets that are put into them on the way:
//! `outbound`, `outbound_networks` and `bound_secrets` of `[plugins.named.NAME]`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use url::{Host, Url};

use super::secret::Secret;
use crate::outbound::address::canonical;

/// What `outbound` names: `https://api.example.com`, `https://*.example.org:8443`, `http://10.0.0.5:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// `https`.
    pub(crate) tls: bool,
    /// Which hosts.
    pub(crate) hosts: Hosts,
    /// The port, that of the scheme if none was written.
    pub(crate) port: u16,
}

/// Which hosts a [`Site`] stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// This one, as it is written on the network: in lower case, international names in Punycode.
    Name(String),
    /// All names below this one.
    Below(String),
    /// This address.
    Address(IpAddr),
}

impl Site {
    /// Reads one, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, authority) = text.split_once("://").ok_or("has no scheme")?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err("is neither https nor http"),
        };
        if authority.contains(['/', '?', '#', '@', '\\', '%']) || authority.contains(char::is_whitespace) {
            return Err("has more than scheme, host and port");
        }
        let (below, host) = match authority.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, authority),
        };
        if host.contains('*') {
            return Err("has a `*` that does not stand for the first names of the host");
        }
        let url = Url::parse(&format!("{scheme}://{host}")).map_err(|_| "has no host that can be looked up")?;
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or("has no port that can be called")?;
        let hosts = match url.host() {
            Some(Host::Domain(name)) => hosts(name, below)?,
            Some(Host::Ipv4(address)) => Self::literal(address.into(), &url, host, below)?,
            Some(Host::Ipv6(address)) => Self::literal(address.into(), &url, host, below)?,
            None => return Err("has no host"),
        };
        Ok(Self { tls, hosts, port })
    }

    /// An address in any other notation would be one that an operator does not recognise.
    fn literal(address: IpAddr, url: &Url, written: &str, below: bool) -> Result<Hosts, &'static str> {
        if below {
            return Err("has a `*` before an address");
        }
        if canonical(address) != address || !written.starts_with(url.host_str().unwrap_or_default()) {
            return Err("has an address in an unusual notation");
        }
        Ok(Hosts::Address(address))
    }
}

fn hosts(name: &str, below: bool) -> Result<Hosts, &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name).to_owned();
    match below {
        true if !name.contains('.') => Err("stands for all names of a top-level domain"),
        true => Ok(Hosts::Below(name)),
        false => Ok(Hosts::Name(name)),
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match &self.hosts {
            Hosts::Name(name) => write!(f, "{scheme}://{name}:{}", self.port),
            Hosts::Below(name) => write!(f, "{scheme}://*.{name}:{}", self.port),
            Hosts::Address(IpAddr::V4(address)) => write!(f, "{scheme}://{address}:{}", self.port),
            Hosts::Address(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]:{}", self.port),
        }
    }
}

/// A header with secrets in it, which the gateway puts into requests to one site.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoundSecret {
    /// One of the plugin's `outbound`.
    pub to: String,
    /// The header's name.
    pub header: String,
    /// The header's value, with the names of secrets in braces.
    pub value: String,
    /// What stands for those names.
    pub secrets: BTreeMap<String, Secret>,
}

impl BoundSecret {
    /// The header's value, or why there is none. Never says what a secret is.
    pub(crate) fn render(&self) -> Result<String, String> {
        let (mut rendered, mut rest) = (String::new(), self.value.as_str());
        while let Some((before, from)) = rest.split_once('{') {
            let (name, after) = from.split_once('}').ok_or("has a `{` without a `}`")?;
            let secret =
                self.secrets.get(name).ok_or_else(|| format!("names `{{{name}}}`, which is no secret here"))?;
            rendered += before;
            rendered += secret.expose();
            rest = after;
        }
        rendered += rest;
        Ok(match self.credentials() {
            Some(_) => format!("Basic {}", base64(&rendered["Basic ".len()..])),
            None => rendered,
        })
    }

    /// User and password, which HTTP wants encoded: they stand behind `Basic` with a colon between them, as
    /// nothing that is encoded does.
    fn credentials(&self) -> Option<&str> {
        self.value.strip_prefix("Basic ").filter(|credentials| credentials.contains(':'))
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_scheme_host_and_port() {
        let table = [
            ("https://api.example.com", "https://api.example.com:443"),
            ("http://API.Example.COM.", "http://api.example.com:80"),
            ("https://*.example.org:8443", "https://*.example.org:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example:443"),
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://crm:8080", "http://crm:8080"),
        ];
        for (text, shown) in table {
            assert_eq!(Site::parse(text).map(|site| site.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_site_is_refused_with_the_reason() {
        let table = [
            ("api.example.com", "has no scheme"),
            ("ftp://api.example.com", "is neither https nor http"),
            ("https://api.example.com/", "has more than scheme, host and port"),
            ("https://api.example.com/v1", "has more than scheme, host and port"),
            ("https://user@api.example.com", "has more than scheme, host and port"),
            ("https://", "has no host that can be looked up"),
            ("https://a.*.example.com", "has a `*` that does not stand for the first names of the host"),
            ("https://*.*.example.com", "has a `*` that does not stand for the first names of the host"),
            ("https://*", "has a `*` that does not stand for the first names of the host"),
            ("https://*.com", "stands for all names of a top-level domain"),
            ("https://*.10.0.0.5", "has a `*` before an address"),
            ("http://0x0a.0.0.5", "has an address in an unusual notation"),
            ("http://10.5", "has an address in an unusual notation"),
            ("http://[::ffff:10.0.0.5]", "has an address in an unusual notation"),
            ("http://10.0.0.256", "has no host that can be looked up"),
            ("https://api.example.com:0", "has no port that can be called"),
            ("https://api.example.com:70000", "has no host that can be looked up"),
        ];
        for (text, reason) in table {
            assert_eq!(Site::parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn secrets_take_the_place_of_their_names() {
        let rendered = |value: &str| {
            let text =
                format!("value = {value:?}\n[secrets]\nuser = {{ env = \"HOME\" }}\nword = {{ env = \"PATH\" }}");
            let mut bound: BoundSecret = toml::from_str(&text).expect("a bound secret");
            let folder = std::path::Path::new(".");
            bound.secrets.values_mut().for_each(|secret| secret.resolve(folder, crate::ownership::open));
            bound.render()
        };
        let (user, word) = (std::env::var("HOME").expect("a home"), std::env::var("PATH").expect("a path"));
        assert_eq!(rendered("Bearer {word}"), Ok(format!("Bearer {word}")));
        assert_eq!(rendered("{user}; {word}"), Ok(format!("{user}; {word}")));
        assert_eq!(rendered("Basic {word}"), Ok(format!("Basic {word}")));
        assert_eq!(rendered("Basic {user}:{word}"), Ok(format!("Basic {}", base64(&format!("{user}:{word}")))));
        assert_eq!(rendered("{other}"), Err("names `{other}`, which is no secret here".to_owned()));
        assert_eq!(rendered("{user"), Err("has a `{` without a `}`".to_owned()));
    }
}
