//! `outbound` and `bound_secrets` of `[plugins.named.NAME]`: sites that a plugin may call, and secrets for its requests.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use frontgate_net::address::canonical;
use frontgate_settings::Secret;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::oauth::{Oauth, TOKEN};

/// A site in `outbound`: `https://api.example.com`, `https://*.example.org:8443`, `http://10.0.0.5:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Whether the scheme is `https`, not `http`.
    pub(crate) tls: bool,
    /// The hosts.
    pub hosts: Hosts,
    /// The port. Default: that of the scheme.
    pub(crate) port: u16,
}

/// The hosts of a [`Site`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// One name, in lower case; international names in Punycode.
    Name(String),
    /// All names below this one, without the name itself.
    Below(String),
    /// One address.
    Address(IpAddr),
}

impl Site {
    /// Parses a site, or returns what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
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
            return Err("has a `*` that is not the first label of the host");
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

    /// Rejects unusual notations: an operator might not recognize the address.
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
        true if !name.contains('.') => Err("matches all names of a top-level domain"),
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

/// Letters and digits that a secret needs to be recognised in an answer. Fewer match by chance.
pub const RECOGNISED_MIN: usize = 8;

/// A header with secrets that the gateway adds to requests to one site.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoundSecret {
    /// Site that gets the header: one of the plugin's `outbound`.
    pub to: String,
    /// Paths that get the header, each with everything below it, such as `/v1/`. Empty: all paths.
    pub paths: Vec<String>,
    /// Name of the header.
    pub header: String,
    /// Value of the header, with names of secrets in braces, such as `Bearer {token}`. `Basic {user}:{password}` is
    /// encoded as HTTP requires.
    pub value: String,
    /// Secrets by the names in `value`.
    pub secrets: BTreeMap<String, Secret>,
    /// OAuth 2: how the gateway gets and renews the access token for `{token}` in `value`.
    pub oauth: Option<Oauth>,
    /// Names of secrets that responses may contain, such as the name of an account. A response that contains another
    /// one is withheld from the plugin.
    pub visible: Vec<String>,
}

/// A text with a flag for each byte: whether it belongs to a secret.
pub(crate) type Marked = Zeroizing<Vec<(u8, bool)>>;

/// A part of [`BoundSecret::value`].
enum Piece<'b> {
    Text(&'b str),
    Secret { value: &'b str, visible: bool },
}

impl BoundSecret {
    /// Returns the header's value, or the reason why it is invalid. The reason contains no secret.
    ///
    /// `token` is the access token of `oauth`.
    pub fn render(&self, token: &str) -> Result<Zeroizing<String>, String> {
        let rendered = text(&self.pieces(token)?);
        Ok(match self.credentials() {
            Some(_) => Zeroizing::new(format!("Basic {}", base64(&rendered["Basic ".len()..]).as_str())),
            None => rendered,
        })
    }

    /// Returns the texts that a response must not contain: each secret, and user and password together, plain and
    /// encoded. Empty if the value is invalid. Contains the secrets of `oauth`, but no tokens.
    pub(crate) fn confidential(&self) -> Vec<Marked> {
        let Ok(pieces) = self.pieces("") else {
            return Vec::new();
        };
        let mut texts: Vec<Marked> = self.oauth.iter().flat_map(Oauth::confidential).map(mark).collect();
        for piece in &pieces {
            if let Piece::Secret { value, visible: false } = piece {
                texts.push(mark(value));
            }
        }
        texts.extend(self.confidential_pair(&pieces));
        texts
    }

    /// Returns the texts with an access or refresh token of `oauth` that a response must not contain.
    pub(crate) fn confidential_token(&self, token: &str) -> Vec<Marked> {
        let pair = self.pieces(token).map(|pieces| self.confidential_pair(&pieces)).unwrap_or_default();
        pair.into_iter().chain([mark(token)]).collect()
    }

    /// Returns user and password together, plain and encoded. Empty unless the value is encoded.
    fn confidential_pair(&self, pieces: &[Piece<'_>]) -> Vec<Marked> {
        let mut texts = Vec::new();
        if self.credentials().is_some() {
            let all = pieces.iter().flat_map(|piece| {
                let (text, is_secret) = match piece {
                    Piece::Text(text) => (*text, false),
                    Piece::Secret { value, visible } => (*value, !visible),
                };
                text.bytes().map(move |byte| (byte, is_secret))
            });
            let pair: Marked = Zeroizing::new(all.skip("Basic ".len()).collect());
            let plain: Zeroizing<Vec<u8>> = Zeroizing::new(pair.iter().map(|(byte, _)| *byte).collect());
            let encoded = base64(&plain);
            // Base64 encodes three bytes as four letters.
            let marks = encoded.bytes().enumerate().map(|(at, letter)| {
                let from = at / 4 * 3 + (at % 4).saturating_sub(1);
                (letter, pair.get(from..).is_some_and(|rest| rest.iter().take(2).any(|(_, is_secret)| *is_secret)))
            });
            texts.push(Zeroizing::new(marks.collect()));
            texts.push(pair);
        }
        texts
    }

    /// Replaces `oauth` by an access token, for tests without an authorization server.
    pub fn replace_oauth(&mut self, token: &str) {
        let secret =
            self.oauth.take().and_then(|mut oauth| oauth.secrets_mut().next().map(|(_, secret)| secret.clone()));
        if let Some(mut secret) = secret {
            secret.replace(token);
            self.secrets.insert(TOKEN.to_owned(), secret);
        }
    }

    fn pieces<'b>(&'b self, token: &'b str) -> Result<Vec<Piece<'b>>, String> {
        let (mut pieces, mut rest) = (Vec::new(), self.value.as_str());
        while let Some((before, from)) = rest.split_once('{') {
            let (name, after) = from.split_once('}').ok_or("has a `{` without a `}`")?;
            let value = match self.secrets.get(name) {
                _ if self.oauth.is_some() && name == TOKEN => token,
                Some(secret) => secret.expose(),
                None => return Err(format!("names `{{{name}}}`, which is not one of `secrets`")),
            };
            let visible = self.visible.iter().any(|visible| visible == name);
            pieces.extend([Piece::Text(before), Piece::Secret { value, visible }]);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
        Ok(pieces)
    }

    /// Returns user and password, which HTTP requires in Base64: a value with a colon after `Basic` is not encoded yet.
    fn credentials(&self) -> Option<&str> {
        self.value.strip_prefix("Basic ").filter(|credentials| credentials.contains(':'))
    }
}

/// Joins the pieces in a buffer that never grows, since each reallocation would leave a copy.
fn text(pieces: &[Piece<'_>]) -> Zeroizing<String> {
    let texts = || {
        pieces.iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Secret { value: text, .. } => *text,
        })
    };
    let mut whole = Zeroizing::new(String::with_capacity(texts().map(str::len).sum()));
    texts().for_each(|text| whole.push_str(text));
    whole
}

/// Flags the bytes of a secret. The header of a JSON Web Token is not secret: many tokens share it.
fn mark(secret: &str) -> Marked {
    let mut parts = secret.splitn(4, '.');
    let (first, rest) = (parts.next().unwrap_or_default(), parts.count());
    let public = if first.starts_with("eyJ") && rest == 2 { first.len() } else { 0 };
    Zeroizing::new(secret.bytes().enumerate().map(|(at, byte)| (byte, at >= public)).collect())
}

/// Whether all servers interpret a path in the same way. Rejects `.`, `..`, empty segments, parameters, and encoded
/// characters that change the meaning when they are decoded.
pub fn is_plain_path(path: &str) -> bool {
    let Some(parts) = path.strip_prefix('/') else {
        return false;
    };
    let mut encoded = path.split('%').skip(1);
    if !encoded.all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))) {
        return false;
    }
    let Ok(decoded) = percent_decode_str(parts).decode_utf8() else {
        return false;
    };
    let is_whole = |part: &str| !matches!(part, "" | "." | "..");
    let mut inner = parts.strip_suffix('/').unwrap_or(parts).split('/');
    let has_delimiters = decoded.contains(['\\', '%', ';', '?', '#']) || decoded.contains(char::is_control);
    let slashes = |text: &str| text.matches('/').count();
    let dotted = decoded.split('/').any(|part| matches!(part, "." | ".."));
    !has_delimiters && slashes(parts) == slashes(&decoded) && !dotted && (parts.is_empty() || inner.all(is_whole))
}

/// Whether a path equals another one or lies below it: `/v1` covers `/v1/x`, not `/v1x`.
pub fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || above.ends_with('/') || rest.starts_with('/'))
}

fn base64(text: impl AsRef<[u8]>) -> Zeroizing<String> {
    use base64::Engine as _;
    Zeroizing::new(base64::prelude::BASE64_STANDARD.encode(text))
}

#[cfg(test)]
mod tests;
