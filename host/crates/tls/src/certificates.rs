//! The current certificate: answers handshakes, and follows the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use frontgate_system::ownership;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::certificate::Certificate;
use crate::files::State;
use crate::settings::Settings;

/// The only protocol of the public listener.
const HTTP: &[u8] = b"http/1.1";

/// The certificate of a listener, which can change while it serves.
#[derive(Debug)]
pub struct Certificates {
    current: Arc<Current>,
    files: (PathBuf, PathBuf),
    check: Duration,
}

/// When the current certificate expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Seconds until then; negative after that.
    pub seconds: i64,
    /// Where the certificate comes from.
    pub source: &'static str,
}

/// Answers each handshake with the current certificate, also without a server name, or with one that the certificate
/// does not have: the platforms verify the certificate, and name no server in some requests.
#[derive(Debug)]
struct Current(ArcSwap<Certificate>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}

impl Certificates {
    /// Reads the configured files. Returns `None` if no certificate is configured.
    ///
    /// # Errors
    ///
    /// Fails as [`Certificate::read`] does.
    pub fn open(settings: &Settings) -> anyhow::Result<Option<Arc<Self>>> {
        let Some((certificate, key)) = settings.files() else { return Ok(None) };
        let first = Certificate::read(certificate, key, ownership::open)?;
        Ok(Some(Arc::new(Self {
            current: Arc::new(Current(ArcSwap::from_pointee(first))),
            files: (certificate.to_owned(), key.to_owned()),
            check: Duration::from_millis(settings.check_ms),
        })))
    }

    /// Returns the configuration of a listener: TLS 1.2 and 1.3 with the suites that rustls considers safe, HTTP/1.1
    /// only, tickets for resumption, and no early data, which could be replayed.
    ///
    /// # Errors
    ///
    /// Fails if the system provides no random numbers.
    pub fn server_config(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as _);
        config.alpn_protocols = vec![HTTP.to_vec()];
        // Stateless: an attacker cannot displace the sessions of the platforms.
        config.ticketer = Ticketer::new().context("failed to create keys of session tickets")?;
        Ok(Arc::new(config))
    }

    /// Returns when the current certificate expires.
    pub fn expiry(&self) -> Expiry {
        Expiry { seconds: self.current.0.load().expires_in_seconds(), source: "file" }
    }

    /// Reads the files again, and uses them from the next handshake on. Returns whether the certificate changed.
    ///
    /// # Errors
    ///
    /// Fails as [`Certificate::read`] does; the previous certificate stays in use.
    pub async fn reload(&self) -> anyhow::Result<bool> {
        let (certificate, key) = self.files.clone();
        let read = move || Certificate::read(&certificate, &key, ownership::open);
        let new = spawn_blocking(read).await.context("failed to read the certificate")??;
        if self.current.0.load().is_same(&new) {
            return Ok(false);
        }
        let expires_in_days = new.expires_in_seconds() / 86_400;
        self.current.0.store(Arc::new(new));
        info!(
            event = "tls.certificate_replaced",
            expires_in_days,
            "certificate of {} is in use from now on",
            self.files.0.display()
        );
        Ok(true)
    }

    /// Reads the files again whenever they change. Never returns.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = interval(self.check);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The files may have changed since they were read, so the first look reads them in any case.
        let mut seen = None;
        loop {
            ticks.tick().await;
            let found = Some(self.states().await);
            if found == seen {
                continue;
            }
            seen = found;
            if let Err(error) = self.reload().await {
                // A writer replaces one file after the other; the second change is seen, too.
                warn!(
                    event = "tls.certificate_rejected",
                    "changed certificate rejected, previous certificate stays in use: {error:#}"
                );
            }
        }
    }

    async fn states(&self) -> [State; 2] {
        let state = |path: &Path| {
            let path = path.to_owned();
            async move { State::of(&path).await }
        };
        [state(&self.files.0).await, state(&self.files.1).await]
    }
}
