//! Egress of one version of a plugin: its grants and its connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_net::Connection;
use frontgate_net::Pool;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::body::Body;
use super::destination::Destination;
use super::failure::Failure;
use super::network::Network;
use super::policy::{Bound, Policy};
use crate::settings::Named;

/// Minimum interval between two warnings of the same kind.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Grants and connections of one version of a plugin. Dropping the value closes the connections.
pub(crate) struct Egress {
    pub(super) plugin: Arc<str>,
    pub(super) policy: Policy,
    pub(super) network: Arc<Network>,
    pub(super) idle: Pool<Key, Body>,
    /// Time of the last warning of each kind.
    warned: Mutex<HashMap<&'static str, Instant>>,
}

/// Key of a connection that can be reused. Tenants never share a connection.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) tenant: Arc<str>,
    pub(super) to: Destination,
    /// Secrets that were sent over the connection. The connection is reused for the same secrets only: some servers
    /// authenticate the connection, and a late response belongs to an earlier request.
    pub(super) bound: Vec<Bound>,
}

impl Egress {
    /// Reads the grants of a plugin. A plugin that the configuration does not name has no grants.
    pub(crate) fn new(plugin: &Arc<str>, named: Option<&Named>, network: &Arc<Network>) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            policy: named.map(Policy::new).unwrap_or_default(),
            network: Arc::clone(network),
            idle: Pool::new(network.connections_idle_max),
            warned: Mutex::default(),
        }
    }

    /// Checks whether the plugin was granted no hosts.
    pub(crate) fn is_empty(&self) -> bool {
        self.policy.is_empty()
    }

    /// Connects to a checked address. TLS verifies the name of the destination.
    pub(super) async fn connect(&self, to: &Destination, until: Instant) -> Result<Connection<Body>, Failure> {
        if let Some(address) = self.network.address_override(to) {
            let address = address?;
            let connect = async { Connection::over(TcpStream::connect(address).await?, None).await };
            let failed = |why: String| Failure::NotConnected(format!("failed to connect to {to}: {why}"));
            let connected = timeout_at(until, connect).await.map_err(|_| failed("timeout".to_owned()))?;
            return connected.map_err(|error| failed(format!("{error:#}")));
        }
        let addresses = match to.address() {
            Some(address) => vec![address],
            None => self.network.resolve(to.host(), until).await?,
        };
        let addresses = self.policy.reachable(to, &addresses, &self.network)?;
        let mut failed = format!("host {} has no address", to.host());
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            let share = until.saturating_duration_since(Instant::now()) / left.max(1);
            left -= 1;
            let connect = async {
                let stream = TcpStream::connect((address, to.port)).await?;
                Connection::over(stream, to.tls.then(|| (&self.network.tls, to.host()))).await
            };
            match timeout_at(Instant::now() + share, connect).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failed = format!("failed to connect to {to} at {address}: {error:#}"),
                Err(_) => failed = format!("failed to connect to {to} at {address}: timeout"),
            }
        }
        Err(Failure::NotConnected(failed))
    }

    /// Checks whether to warn the operator now. Limits the rate of warnings of each kind.
    pub(super) fn should_warn(&self, verdict: &'static str) -> bool {
        let mut warned = self.warned.lock();
        let should_warn = warned.get(verdict).is_none_or(|since| since.elapsed() >= WARNING_INTERVAL);
        if should_warn {
            warned.insert(verdict, Instant::now());
        }
        should_warn
    }
}
