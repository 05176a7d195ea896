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

use crate::acme::{Acme, Challenges, State};
use crate::certificate::Certificate;
use crate::files;
use crate::settings::Settings;

/// The only protocol of the public listener.
const HTTP: &[u8] = b"http/1.1";
/// The protocol in which an ACME server checks the challenge TLS-ALPN-01 (RFC 8737).
pub(crate) const CHALLENGE: &[u8] = b"acme-tls/1";

/// The certificate of a listener, which can change while it serves.
#[derive(Debug)]
pub struct Certificates {
    current: Arc<Current>,
    source: Source,
}

/// Where the certificate comes from.
#[derive(Debug)]
enum Source {
    Files { certificate: PathBuf, key: PathBuf, check: Duration },
    Acme(Box<Acme>),
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
pub(crate) struct Current {
    certificate: ArcSwap<Certificate>,
    challenges: Arc<Challenges>,
}

impl Current {
    fn new(certificate: Certificate) -> Arc<Self> {
        Arc::new(Self { certificate: ArcSwap::from_pointee(certificate), challenges: Arc::default() })
    }

    pub(crate) fn certificate(&self) -> Arc<Certificate> {
        self.certificate.load_full()
    }

    pub(crate) fn replace(&self, certificate: Certificate) {
        self.certificate.store(Arc::new(certificate));
    }

    pub(crate) fn challenges(&self) -> &Arc<Challenges> {
        &self.challenges
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == CHALLENGE)) {
            return self.challenges.tls(hello.server_name()?);
        }
        Some(Arc::clone(&self.certificate.load().key))
    }
}

impl Certificates {
    /// Reads the configured files, or what was obtained for a host. Returns `None` if no certificate is configured.
    ///
    /// # Errors
    ///
    /// Fails as [`Certificate::read`] does, or if the state of ACME cannot be read.
    pub fn open(settings: &Settings, host: Option<&str>) -> anyhow::Result<Option<Arc<Self>>> {
        if let Some((certificate, key)) = settings.files() {
            let current = Current::new(Certificate::read(certificate, key, ownership::open)?);
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            let source = Source::Files { certificate, key, check: Duration::from_millis(settings.check_ms) };
            return Ok(Some(Arc::new(Self { current, source })));
        }
        let (Some(acme), Some(host)) = (&settings.acme, host) else { return Ok(None) };
        let state = State::open(acme)?;
        let first = match state.certificate()? {
            Some(stored) => stored,
            None => Certificate::temporary(host)?,
        };
        let current = Current::new(first);
        let source = Source::Acme(Box::new(Acme::new(acme, host, state, &current)));
        Ok(Some(Arc::new(Self { current, source })))
    }

    /// Returns the answers to challenges of the ACME server.
    pub fn challenges(&self) -> Arc<Challenges> {
        Arc::clone(self.current.challenges())
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
        if let Source::Acme(_) = self.source {
            config.alpn_protocols.push(CHALLENGE.to_vec());
        }
        // Stateless: an attacker cannot displace the sessions of the platforms.
        config.ticketer = Ticketer::new().context("failed to create keys of session tickets")?;
        Ok(Arc::new(config))
    }

    /// Returns when the current certificate expires.
    pub fn expiry(&self) -> Expiry {
        let source = match self.source {
            Source::Files { .. } => "file",
            Source::Acme(_) => "acme",
        };
        Expiry { seconds: self.current.certificate.load().expires_in_seconds(), source }
    }

    /// Reads the files again, and uses them from the next handshake on. Returns whether the certificate changed. Does
    /// nothing without files.
    ///
    /// # Errors
    ///
    /// Fails as [`Certificate::read`] does; the previous certificate stays in use.
    pub async fn reload(&self) -> anyhow::Result<bool> {
        let Source::Files { certificate, key, .. } = &self.source else { return Ok(false) };
        let (path, certificate, key) = (certificate.display(), certificate.clone(), key.clone());
        let read = move || Certificate::read(&certificate, &key, ownership::open);
        let new = spawn_blocking(read).await.context("failed to read the certificate")??;
        if self.current.certificate.load().is_same(&new) {
            return Ok(false);
        }
        let expires_in_days = new.expires_in_seconds() / 86_400;
        self.current.replace(new);
        info!(event = "tls.certificate_replaced", expires_in_days, "certificate of {path} is in use from now on");
        Ok(true)
    }

    /// Reads the files again whenever they change, or obtains and renews the certificate. Never returns.
    pub async fn keep(self: Arc<Self>) {
        match &self.source {
            Source::Files { certificate, key, check } => self.watch([certificate, key], *check).await,
            Source::Acme(acme) => acme.run().await,
        }
    }

    async fn watch(&self, paths: [&Path; 2], check: Duration) {
        let mut ticks = interval(check);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The files may have changed since they were read, so the first look reads them in any case.
        let mut seen = None;
        loop {
            ticks.tick().await;
            let found = Some([files::State::of(paths[0]).await, files::State::of(paths[1]).await]);
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
}
