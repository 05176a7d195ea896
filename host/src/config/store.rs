//! `[store]` and `[delivery]`: what must not be lost, and how it reaches the platforms.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

/// Where events and deliveries are kept.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:` and a path.
    pub url: String,
    /// Writes that wait for the disk; further ones are refused.
    pub queue_max: usize,
    /// Of those, for one tenant. Imports and state take half of it at most.
    pub queue_per_tenant_max: usize,
    /// Bytes of what one tenant's writes keep in memory while they wait, in the same way.
    pub queue_bytes_per_tenant_max: usize,
    /// Imports of one channel that wait for the disk.
    pub queue_per_channel_max: usize,
    /// Reads at one time; further ones wait.
    pub readers_max: usize,
    /// Of those, for one tenant.
    pub readers_per_tenant_max: usize,
    /// Deliveries of one tenant that are not made yet, or were given up. Imports take half of it at most.
    pub waiting_per_tenant_max: u64,
    /// Bytes of what they tell, in the same way.
    pub waiting_bytes_per_tenant_max: u64,
    /// Bytes of deliveries of one tenant that have come to their end; the oldest go first.
    pub deliveries_keep_bytes_per_tenant_max: u64,
    /// Bytes of what is remembered of one tenant's events.
    pub events_bytes_per_tenant_max: u64,
    /// Free space on the database's file system below which imports are refused; 0: never.
    pub free_bytes_imports_min: u64,
    /// Below which events and plugins' state are refused as well; 0: never.
    pub free_bytes_events_min: u64,
    /// How long a callback waits for its write, or for what it reads.
    pub timeout_ms: u64,
    /// How long a repeated event is recognised.
    pub events_keep_ms: u64,
    /// How long a delivery that has come to its end can be looked at.
    pub deliveries_keep_ms: u64,
    /// How long a channel's message is known: so long a repeated one, an echo and a late failure are
    /// recognised.
    pub messages_keep_ms: u64,
    /// How long a channel's conversation in which nothing happens is known by all its names.
    pub conversations_keep_ms: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: "sqlite:data/frontgate.db".to_owned(),
            queue_max: 1_024,
            queue_per_tenant_max: 256,
            queue_bytes_per_tenant_max: 32 * 1024 * 1024,
            queue_per_channel_max: 64,
            readers_max: 8,
            readers_per_tenant_max: 4,
            waiting_per_tenant_max: 100_000,
            waiting_bytes_per_tenant_max: 1024 * 1024 * 1024,
            deliveries_keep_bytes_per_tenant_max: 1024 * 1024 * 1024,
            events_bytes_per_tenant_max: 1024 * 1024 * 1024,
            free_bytes_imports_min: 512 * 1024 * 1024,
            free_bytes_events_min: 128 * 1024 * 1024,
            timeout_ms: 2_000,
            events_keep_ms: 259_200_000,
            deliveries_keep_ms: 259_200_000,
            messages_keep_ms: 2_592_000_000,
            conversations_keep_ms: 31_536_000_000,
        }
    }
}

impl Store {
    /// The database's file, if the URL names one.
    pub fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(Path::new)
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(path) = self.path() {
            let path: PathBuf = folder.join(path);
            self.url = format!("sqlite:{}", path.display());
        }
    }
}

/// How deliveries reach the platforms.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Deliveries of one tenant that are worked on at one time.
    pub at_once_max: usize,
    /// Requests to a platform for one tenant, on average; a second's worth may come at once.
    pub requests_per_second_max: u32,
    /// From the first byte to the end of the answer.
    pub request_timeout_ms: u64,
    /// Until a connection is open, TLS included.
    pub connect_timeout_ms: u64,
    /// Authorities that are trusted beside those that browsers trust, as PEM.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers for the platforms' hosts; those of the system if empty.
    pub nameservers: Vec<SocketAddr>,
    /// Connections that are kept open for the next request.
    pub connections_idle_max: usize,
    /// Bytes of one answer.
    pub response_bytes_max: usize,
    /// The first pause after a failure. Each further one is twice as long, with some chance in it.
    pub retry_first_ms: u64,
    /// The longest pause.
    pub retry_longest_ms: u64,
    /// After this long a delivery is given up, and waits for the operator.
    pub give_up_after_ms: u64,
    /// How often the platform is asked what became of a request without an answer.
    pub unknown_tries_max: u32,
    /// How long a plugin is asked again who gets a conversation before its turn is skipped.
    pub routing_patience_ms: u64,
    /// How long plugins may take for one delivery.
    pub plugin_timeout_ms: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            at_once_max: 16,
            requests_per_second_max: 50,
            request_timeout_ms: 15_000,
            connect_timeout_ms: 5_000,
            ca_files: Vec::new(),
            nameservers: Vec::new(),
            connections_idle_max: 8,
            response_bytes_max: 1_048_576,
            retry_first_ms: 500,
            retry_longest_ms: 300_000,
            give_up_after_ms: 86_400_000,
            unknown_tries_max: 10,
            routing_patience_ms: 30_000,
            plugin_timeout_ms: 10_000,
        }
    }
}

/// The certificates of a PEM file.
pub fn authorities(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.with_context(|| format!("reading {}", file.display()))?;
    if all.is_empty() {
        bail!("there is no certificate in {}", file.display());
    }
    Ok(all)
}
