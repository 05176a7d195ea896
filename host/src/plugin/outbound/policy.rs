//! What a plugin was granted outside: sites, networks of the company's own, and bound secrets.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use ipnet::IpNet;

use super::destination::Destination;
use super::network::Network;
use super::refusal::Refusal;
use crate::config::Named;
use crate::config::outbound::{BoundSecret, Hosts, Site};
use crate::outbound::address::{canonical, special};

/// Addresses of one name that are tried, at most.
const ADDRESSES_MAX: usize = 8;

/// The grants of one plugin; the default is none.
#[derive(Default)]
pub(super) struct Policy {
    sites: Vec<Site>,
    networks: Vec<IpNet>,
    bound: Vec<Bound>,
}

/// A header for one site. Has no way to print itself.
struct Bound {
    to: Site,
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
        if let Some(special) = special(address)
            && !(special.grantable && self.networks.iter().any(|network| network.contains(&address)))
        {
            let (host, name) = (to.host().to_owned(), special.name);
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

    /// Puts in the secrets that are bound to this destination, in place of what the plugin wrote.
    pub(super) fn bind(&self, to: &Destination, headers: &mut HeaderMap) {
        for bound in self.bound.iter().filter(|bound| covers(&bound.to, to)) {
            headers.insert(bound.header.clone(), bound.value.clone());
        }
    }
}

impl Bound {
    fn new(bound: &BoundSecret) -> Self {
        let value = bound.render().ok().and_then(|value| HeaderValue::try_from(value).ok());
        let mut value = value.expect("a checked configuration has values that are headers");
        value.set_sensitive(true);
        let header = HeaderName::try_from(&bound.header).expect("a checked configuration has names of headers");
        Self { to: site(&bound.to), header, value }
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
