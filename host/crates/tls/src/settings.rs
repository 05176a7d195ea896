//! `[server.tls]`: the certificate of the public listener.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

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
}

impl Settings {
    /// Makes relative paths absolute.
    pub fn resolve(&mut self, folder: &Path) {
        for path in self.certificate.iter_mut().chain(&mut self.key) {
            *path = folder.join(&*path);
        }
    }

    /// Returns the certificate's file and the key's file, if both are configured.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        Some((self.certificate.as_deref()?, self.key.as_deref()?))
    }
}
