//! What all plugins' requests have in common: who is asked for addresses, which certificates are
//! trusted, and where the gateway itself listens. No connection is among it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use frontgate_net::Resolver;
use frontgate_net::Tls;
use tokio::time::{Instant, timeout_at};

use super::destination::Destination;
use super::refusal::Failure;
use crate::settings::Plugins;

/// The network as plugins may see it.
pub struct Network {
    resolver: Resolver,
    pub(super) tls: Tls,
    pub(super) connections_idle_max: usize,
    around: Around,
}

/// What is around a gateway.
#[derive(Clone, Default)]
pub struct Around {
    /// Where it listens itself.
    pub own: Vec<SocketAddr>,
    /// Where connections lead instead, while an author works on a plugin.
    pub detour: Option<Detour>,
}

/// Where connections to a site lead instead, without TLS, if they do, or why there is none:
/// `https://crm.example.com`, with a port unless it is the scheme's own.
pub type Detour = Arc<dyn Fn(&str) -> Option<Result<SocketAddr, String>> + Send + Sync>;

impl Network {
    /// The network around a gateway.
    pub fn new(config: &Plugins, around: &Around) -> Self {
        Self {
            resolver: Resolver::new(&config.nameservers),
            tls: Tls::new(&config.ca_files),
            connections_idle_max: config.connections_idle_max,
            around: around.clone(),
        }
    }

    /// Where a connection leads instead, if it does. Grants and limits hold as before.
    pub fn detour(&self, to: &Destination) -> Option<Result<SocketAddr, Failure>> {
        let detour = self.around.detour.as_ref()?;
        Some(detour(&to.to_string())?.map_err(Failure::NotConnected))
    }

    /// All addresses of a host.
    pub async fn resolve(&self, host: &str, until: Instant) -> Result<Vec<IpAddr>, Failure> {
        let found = timeout_at(until, self.resolver.look_up(host)).await;
        let found = found.unwrap_or_else(|_| Err("no nameserver answers in time".to_owned()));
        found.map_err(|error| Failure::NotConnected(format!("looking up {host}: {error}")))
    }

    /// Whether the gateway itself listens there.
    pub(super) fn is_own(&self, address: SocketAddr) -> bool {
        self.around.own.iter().filter(|own| own.port() == address.port()).any(|own| {
            own.ip().to_canonical() == address.ip() || (own.ip().is_unspecified() && is_of_this_machine(address))
        })
    }
}

/// Whether an address is one of this machine's: packets for it would come from it. Nothing is sent to
/// find out.
fn is_of_this_machine(address: SocketAddr) -> bool {
    if address.ip().is_loopback() {
        return true;
    }
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_at_every_address_is_found_at_each_of_this_machine() {
        let own = ["0.0.0.0:8080", "127.0.0.1:8081"].map(|own| own.parse().expect("an address"));
        let network = Network::new(&Plugins::default(), &Around { own: own.to_vec(), detour: None });
        for (address, expected) in [
            ("127.0.0.1:8080", true),
            ("127.9.9.9:8080", true),
            ("[::1]:8080", true),
            ("127.0.0.1:8081", true),
            ("127.0.0.2:8081", false),
            ("127.0.0.1:8082", false),
            ("192.0.2.1:8080", false),
        ] {
            assert_eq!(network.is_own(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
