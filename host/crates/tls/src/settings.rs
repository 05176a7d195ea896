//! `[server.tls]`: the certificate of the public listener.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;
use url::{Host, Url};

/// TLS of the public listener, versions 1.2 and 1.3. Without this section, the listener speaks plain HTTP, for a proxy
/// in front of it that terminates TLS.
#[derive(Debug, Clone, PartialEq, Eq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// PEM file with the certificate and the intermediate certificates that follow it. The files are read again when
    /// they change, and at each reload.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    pub key: Option<PathBuf>,
    /// Time between two looks at the files.
    #[default = 10_000]
    #[schemars(range(min = 10, max = 86_400_000))]
    pub check_ms: u64,
    /// Timeout of a handshake. The connection has its place in the limits before the handshake begins.
    #[default = 5_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub handshake_timeout_ms: u64,
    /// Obtains the certificate for the host of `public_url` from an ACME server, instead of files.
    pub acme: Option<AcmeSettings>,
}

/// An ACME server, such as Let's Encrypt, which issues the certificate for the host of `public_url`.
#[derive(Debug, Clone, PartialEq, Eq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct AcmeSettings {
    /// URL of the server's directory. For trials: `https://acme-staging-v02.api.letsencrypt.org/directory`.
    #[default("https://acme-v02.api.letsencrypt.org/directory".to_owned())]
    pub directory: String,
    /// Whether you agree to the server's terms of service. Required.
    pub terms_agreed: bool,
    /// E-mail address for the server's notices.
    pub contact: Option<String>,
    /// Folder of the account and the certificate. Keep it: each loss costs an order, and servers limit orders.
    #[default(PathBuf::from("data/acme"))]
    pub state: PathBuf,
    /// Address for the challenge HTTP-01, which the server must reach at port 80 of the host. Without it, the challenge
    /// TLS-ALPN-01 uses the public listener, which the server must reach at port 443.
    pub http_listen: Option<SocketAddr>,
    /// PEM files of certificate authorities to trust for the server, in addition to those that browsers trust.
    pub ca_files: Vec<PathBuf>,
    /// Delay after the first failed attempt. Further delays double, up to 6 hours; a longer `Retry-After` of the server
    /// is respected.
    #[default = 60_000]
    #[schemars(range(min = 10, max = 86_400_000))]
    pub retry_ms: u64,
}

/// Returns whether requests to a URL are protected: it is `https`, or `http` to an address of this machine.
pub(crate) fn is_usable(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    (url.scheme() == "https" && url.has_host()) || (url.scheme() == "http" && is_local)
}

impl AcmeSettings {
    /// Returns what is wrong; `None` if nothing is.
    pub fn problem(&self, public_url: Option<&str>) -> Option<&'static str> {
        if !self.terms_agreed {
            return Some("terms_agreed is not true");
        }
        if !Url::parse(&self.directory).is_ok_and(|url| is_usable(&url)) {
            return Some("directory is not an https URL");
        }
        let public_url = public_url.and_then(|url| Url::parse(url).ok());
        match public_url {
            Some(url) if url.scheme() == "https" && matches!(url.host(), Some(Host::Domain(_))) => None,
            _ => Some("server.public_url is not an https URL with a host name"),
        }
    }
}

impl Settings {
    /// Makes relative paths absolute.
    pub fn resolve(&mut self, folder: &Path) {
        let acme = self.acme.iter_mut().flat_map(|acme| acme.ca_files.iter_mut().chain([&mut acme.state]));
        for path in self.certificate.iter_mut().chain(&mut self.key).chain(acme) {
            *path = folder.join(&*path);
        }
    }

    /// Returns the certificate's file and the key's file, if both are configured.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        Some((self.certificate.as_deref()?, self.key.as_deref()?))
    }
}
