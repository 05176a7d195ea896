//! Requests of plugins to the hosts that the operator granted. One policy for both doors,
//! `http-client` and `wasi:http`: whatever names the host, an address is checked before anything is
//! sent there, on every new connection.
//!
//! In reading order: a [`destination`] is what a request names, the [`policy`] is what was granted, the
//! [`network`] finds addresses, [`requests`] are those of one call, an [`exchange`] is one of them. At a host with a
//! bound secret, [`guard`] checks request and answer, and [`echo`] searches the answer for the secret.

mod body;
mod destination;
mod echo;
mod exchange;
mod guard;
pub mod network;
mod policy;
pub(super) mod refusal;
pub(super) mod requests;
pub mod traces;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use frontgate_net::Connection;
use frontgate_net::Pool;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub use self::body::Body;
pub(super) use self::destination::{Aim, Destination};
use self::network::Network;
use self::policy::Policy;
pub use self::refusal::Failure;
pub(super) use self::refusal::Refusal;
use crate::settings::Named;

/// A refusal of the same kind is a warning once in this time.
const WARNED_AGAIN: Duration = Duration::from_secs(60);

/// What one version of a plugin has outside: its grants, and its connections, which end with it.
pub(crate) struct Egress {
    plugin: Arc<str>,
    policy: Policy,
    network: Arc<Network>,
    idle: Pool<Key, Body>,
    /// When the operator was last told of a kind of refusal.
    warned: Mutex<HashMap<&'static str, Instant>>,
}

/// Whose connection it is, and where it leads: tenants share none.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    tenant: Arc<str>,
    to: Destination,
    /// Secrets that were sent over it. Some servers authenticate the connection, and a late answer belongs to an
    /// earlier request, so a connection is reused for the same secrets only.
    bound: Vec<usize>,
}

impl Egress {
    /// What a plugin was granted; one that the configuration does not name gets nothing.
    pub(super) fn new(plugin: &Arc<str>, named: Option<&Named>, network: &Arc<Network>) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            policy: named.map(Policy::new).unwrap_or_default(),
            network: Arc::clone(network),
            idle: Pool::new(network.connections_idle_max),
            warned: Mutex::default(),
        }
    }

    /// Whether no request of this plugin can be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.policy.is_empty()
    }

    /// A connection to an address that was checked. The name stays what TLS is agreed on with.
    async fn connect(&self, to: &Destination, until: Instant) -> Result<Connection<Body>, Failure> {
        if let Some(address) = self.network.detour(to) {
            let address = address?;
            let connect = async { Connection::over(TcpStream::connect(address).await?, None).await };
            let failed = |why: String| Failure::NotConnected(format!("connecting to {to}: {why}"));
            let connected = timeout_at(until, connect).await.map_err(|_| failed("it took too long".to_owned()))?;
            return connected.map_err(|error| failed(format!("{error:#}")));
        }
        let addresses = match to.address() {
            Some(address) => vec![address],
            None => self.network.resolve(to.host(), until).await?,
        };
        let addresses = self.policy.reachable(to, &addresses, &self.network)?;
        let mut failed = format!("{} has no address", to.host());
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
                Ok(Err(error)) => failed = format!("connecting to {to} at {address}: {error:#}"),
                Err(_) => failed = format!("connecting to {to} at {address} took too long"),
            }
        }
        Err(Failure::NotConnected(failed))
    }

    /// Whether the operator should be told now.
    fn is_news(&self, verdict: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let news = warned.get(verdict).is_none_or(|since| since.elapsed() >= WARNED_AGAIN);
        if news {
            warned.insert(verdict, Instant::now());
        }
        news
    }
}
