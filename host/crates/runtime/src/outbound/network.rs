//! Network settings that all plugins share: nameservers, trusted certificates, the gateway's own addresses.
//!
//! Plugins share no connections.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use frontgate_net::Resolver;
use frontgate_net::Tls;
use frontgate_state::oauth_tokens::OauthTokens;
use tokio::time::{Instant, timeout_at};

use super::destination::Destination;
use super::failure::Failure;
use super::held::HeldRequests;
use crate::settings::Plugins;

/// Network settings of all plugins.
pub(crate) struct Network {
    resolver: Resolver,
    pub(super) tls: Tls,
    pub(super) connections_idle_max: usize,
    overrides: NetworkOverrides,
}

/// What the network needs besides the configuration.
#[derive(Clone, Default)]
pub struct NetworkOverrides {
    /// Listening addresses of the gateway, which plugins cannot reach.
    pub own: Vec<SocketAddr>,
    /// Redirects connections to other addresses in a test or a simulation.
    pub address_override: Option<AddressOverride>,
    /// Tokens of bound secrets in the gateway's database.
    pub oauth_tokens: Option<OauthTokens>,
    /// Set in a simulation: receives the requests that are not sent because they could change something.
    pub held_requests: Option<Arc<HeldRequests>>,
}

/// Maps an origin, such as `https://crm.example.com`, to an address for plain HTTP, or to an error. For `None`, the
/// origin keeps its own address.
pub type AddressOverride = Arc<dyn Fn(&str) -> Option<Result<SocketAddr, String>> + Send + Sync>;

impl Network {
    /// Reads nameservers and certificates from the configuration.
    pub(crate) fn new(config: &Plugins, overrides: &NetworkOverrides) -> Self {
        Self {
            resolver: Resolver::new(&config.nameservers),
            tls: Tls::new(&config.ca_files),
            connections_idle_max: config.connections_idle_max,
            overrides: overrides.clone(),
        }
    }

    /// Returns the address that replaces a destination's address in a test or a simulation. Grants and limits still
    /// apply.
    pub(super) fn address_override(&self, to: &Destination) -> Option<Result<SocketAddr, Failure>> {
        let overriding = self.overrides.address_override.as_ref()?;
        Some(overriding(&to.to_string())?.map_err(Failure::NotConnected))
    }

    /// Returns the requests that a simulation holds back; `None` in other gateways.
    pub(super) fn held_requests(&self) -> Option<&HeldRequests> {
        self.overrides.held_requests.as_deref()
    }

    /// Returns the tokens of bound secrets in the database; `None` without one.
    pub(super) fn oauth_tokens(&self) -> Option<&OauthTokens> {
        self.overrides.oauth_tokens.as_ref()
    }

    /// Looks up all addresses of a host.
    pub(super) async fn resolve(&self, host: &str, until: Instant) -> Result<Vec<IpAddr>, Failure> {
        let found = timeout_at(until, self.resolver.look_up(host)).await;
        let found = found.unwrap_or_else(|_| Err("no nameserver answers in time".to_owned()));
        found.map_err(|error| Failure::NotConnected(format!("failed to look up {host}: {error}")))
    }

    /// Checks whether the gateway listens at an address.
    pub(super) fn is_own(&self, address: SocketAddr) -> bool {
        self.overrides.own.iter().filter(|own| own.port() == address.port()).any(|own| {
            own.ip().to_canonical() == address.ip() || (own.ip().is_unspecified() && is_of_this_machine(address))
        })
    }
}

/// Checks whether an address belongs to this machine: packets to it would have the same source address. Sends nothing.
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
    fn a_wildcard_listener_is_own_at_every_address_of_this_machine() {
        let own = ["0.0.0.0:8080", "127.0.0.1:8081"].map(|own| own.parse().expect("an address"));
        let network = Network::new(&Plugins::default(), &NetworkOverrides { own: own.to_vec(), ..Default::default() });
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
