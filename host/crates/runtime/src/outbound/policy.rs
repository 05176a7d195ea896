//! What a plugin was granted outside: sites, networks of the company's own, and bound secrets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use frontgate_net::address::{canonical, refused, special};
use frontgate_net::confidential;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use ipnet::IpNet;

use super::destination::Destination;
use super::echo::Patterns;
use super::network::Network;
use super::refusal::Refusal;
use crate::settings::Named;
use crate::settings::outbound::BoundSecret;
use crate::settings::outbound::Hosts;
use crate::settings::outbound::Site;
use crate::settings::outbound::is_below;
use crate::settings::outbound::is_plain_path;

/// Addresses of one name that are tried, at most.
const ADDRESSES_MAX: usize = 8;

/// The grants of one plugin; the default is none.
#[derive(Default)]
pub(super) struct Policy {
    sites: Vec<Site>,
    networks: Vec<IpNet>,
    bound: Vec<Bound>,
    /// All bound secrets that are long enough to be recognised.
    secrets: Option<Arc<Patterns>>,
}

/// The bound secrets of one request.
#[derive(Default)]
pub(super) struct Binding {
    /// Secrets to put in, as indexes into all of the plugin.
    pub(super) secrets: Vec<usize>,
    /// Whether request and answer are checked: the host has a bound secret, for any path.
    pub(super) is_guarded: bool,
    /// Whether a secret of the host is bound to paths.
    pub(super) by_path: bool,
}

/// A header for one site. Has no way to print itself.
struct Bound {
    to: Site,
    paths: Vec<String>,
    header: HeaderName,
    value: HeaderValue,
}

impl Policy {
    /// Reads grants that have been checked with the configuration.
    pub(super) fn new(named: &Named) -> Self {
        Self {
            sites: named.outbound.iter().map(|text| site(text)).collect(),
            networks: named.outbound_networks.iter().filter_map(|text| text.parse().ok()).collect(),
            bound: named.bound_secrets.iter().map(Bound::new).collect(),
            secrets: Patterns::new(&named.bound_secrets.iter().flat_map(BoundSecret::confidential).collect::<Vec<_>>()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Whether a request may go there, as far as that can be said without its addresses.
    pub(super) fn admit(&self, to: &Destination) -> Result<(), Refusal> {
        if self.is_empty() {
            return Err(Refusal::NothingGranted);
        }
        if self.sites.iter().any(|site| covers(site, to)) {
            return Ok(());
        }
        if let Some(address) = to.address()
            && let Some(special) = special(address)
        {
            return Err(Refusal::Literal(address, special.name));
        }
        let host = to.host().to_owned();
        let named: Vec<&Site> = self.sites.iter().filter(|site| names(&site.hosts, to)).collect();
        Err(match named.iter().any(|site| site.tls == to.tls) {
            true => Refusal::Port { host, port: to.port },
            false if named.is_empty() => Refusal::Host(host),
            false => Refusal::HostScheme { host, scheme: if to.tls { "https" } else { "http" } },
        })
    }

    /// Those of a host's addresses that may be connected to; if there is none, why the first may not.
    pub(super) fn reachable(
        &self,
        to: &Destination,
        addresses: &[IpAddr],
        network: &Network,
    ) -> Result<Vec<IpAddr>, Refusal> {
        let mut refused = None;
        let mut reachable = Vec::new();
        for address in addresses.iter().map(|address| canonical(*address)) {
            match self.check(to, address, network) {
                Ok(()) => reachable.push(address),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        reachable.truncate(ADDRESSES_MAX);
        match refused {
            Some(refusal) if reachable.is_empty() => Err(refusal),
            _ => Ok(reachable),
        }
    }

    fn check(&self, to: &Destination, address: IpAddr, network: &Network) -> Result<(), Refusal> {
        if let Some(name) = refused(address, &self.networks) {
            let host = to.host().to_owned();
            return Err(match to.address() {
                Some(_) => Refusal::Literal(address, name),
                None => Refusal::Address { host, address, name },
            });
        }
        if network.is_own(SocketAddr::new(address, to.port)) {
            return Err(Refusal::Gateway { host: to.host().to_owned() });
        }
        Ok(())
    }

    /// Returns the secrets for a destination and a path. Rejects an ambiguous path where secrets are bound to paths.
    pub(super) fn binding(&self, to: &Destination, path: &str) -> Result<Binding, Refusal> {
        let mut binding = Binding::default();
        for (index, bound) in self.bound.iter().enumerate().filter(|(_, bound)| covers(&bound.to, to)) {
            binding.is_guarded = true;
            binding.by_path |= !bound.paths.is_empty();
            if bound.paths.is_empty() || bound.paths.iter().any(|above| is_below(path, above)) {
                binding.secrets.push(index);
            }
        }
        if binding.by_path && !is_plain_path(path) {
            return Err(Refusal::Path);
        }
        Ok(binding)
    }

    /// Puts in secrets, replacing headers of the plugin.
    pub(super) fn bind(&self, secrets: &[usize], headers: &mut HeaderMap) {
        for bound in secrets.iter().filter_map(|index| self.bound.get(*index)) {
            headers.insert(bound.header.clone(), bound.value.clone());
        }
    }

    /// What answers of hosts with bound secrets must not contain: the secrets of all of them.
    pub(super) fn secrets(&self) -> Option<&Arc<Patterns>> {
        self.secrets.as_ref()
    }
}

impl Bound {
    fn new(bound: &BoundSecret) -> Self {
        let value = bound.render().ok().and_then(confidential);
        let value = value.expect("a checked configuration has values that are headers");
        let header = HeaderName::try_from(&bound.header).expect("a checked configuration has names of headers");
        Self { to: site(&bound.to), paths: bound.paths.clone(), header, value }
    }
}

fn site(text: &str) -> Site {
    Site::parse(text).expect("a checked configuration has sites that can be read")
}

fn covers(site: &Site, to: &Destination) -> bool {
    site.tls == to.tls && site.port == to.port && names(&site.hosts, to)
}

/// An address is granted as such only: a name never stands for one, nor one for a name.
fn names(hosts: &Hosts, to: &Destination) -> bool {
    match (hosts, to.address()) {
        (Hosts::Address(granted), Some(address)) => *granted == address,
        (Hosts::Name(name), None) => name == to.host(),
        (Hosts::Below(name), None) => to.host().strip_suffix(name.as_str()).is_some_and(|above| {
            let above = above.strip_suffix('.');
            above.is_some_and(|above| !above.is_empty())
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
