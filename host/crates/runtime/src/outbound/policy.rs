//! Egress policy of a plugin: granted sites, private networks and bound secrets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use frontgate_net::address::{canonical, refused, special};
use frontgate_net::confidential;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::destination::Destination;
use super::egress::Egress;
use super::failure::{Failure, Rejection};
use super::network::Network;
use super::oauth::TokenSource;
use super::secret_scan::Patterns;
use crate::settings::Named;
use crate::settings::outbound::{BoundSecret, Hosts, Marked, Site, is_below, is_plain_path};

/// Maximum number of addresses of one name to try.
const ADDRESSES_MAX: usize = 8;

/// Grants of one plugin; empty by default.
#[derive(Default)]
pub(super) struct Policy {
    sites: Vec<Site>,
    networks: Vec<IpNet>,
    bound: Vec<BoundHeader>,
    /// Bound secrets that responses must not contain, except access tokens.
    fixed: Vec<Marked>,
    /// Bound secrets that are long enough to be recognised, and the number of access tokens so far.
    secrets: Mutex<(u64, Option<Arc<Patterns>>)>,
}

/// The bound secrets of one request.
#[derive(Default)]
pub(super) struct Binding {
    /// Secrets to insert, as indexes into the plugin's bound secrets.
    pub(super) secrets: Vec<usize>,
    /// Whether request and response are checked: the host has a bound secret, for any path.
    pub(super) is_guarded: bool,
    /// Whether a secret of the host is bound to paths.
    pub(super) by_path: bool,
}

/// A bound secret of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    /// Index into the plugin's bound secrets.
    index: usize,
    /// Number of renewals up to the access token; `None` for a secret of the configuration.
    generation: Option<i64>,
}

/// A header with a secret, for one site. Has no `Debug`, so that it is never logged.
struct BoundHeader {
    to: Site,
    paths: Vec<String>,
    header: HeaderName,
    value: BoundValue,
}

enum BoundValue {
    Fixed(HeaderValue),
    Token(Arc<TokenSource>),
}

impl Policy {
    /// Reads grants, which were validated with the configuration.
    pub(super) fn new(named: &Named) -> Self {
        let fixed: Vec<Marked> = named.bound_secrets.iter().flat_map(BoundSecret::confidential).collect();
        Self {
            sites: named.outbound.iter().map(|text| site(text)).collect(),
            networks: named.outbound_networks.iter().filter_map(|text| text.parse().ok()).collect(),
            bound: named.bound_secrets.iter().map(BoundHeader::new).collect(),
            secrets: Mutex::new((0, Patterns::new(&fixed))),
            fixed,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Checks everything about a destination except its addresses.
    pub(super) fn admit(&self, to: &Destination) -> Result<(), Rejection> {
        if self.is_empty() {
            return Err(Rejection::NothingGranted);
        }
        if self.sites.iter().any(|site| covers(site, to)) {
            return Ok(());
        }
        if let Some(address) = to.address()
            && let Some(special) = special(address)
        {
            return Err(Rejection::Literal(address, special.name));
        }
        let host = to.host().to_owned();
        let named: Vec<&Site> = self.sites.iter().filter(|site| names(&site.hosts, to)).collect();
        Err(match named.iter().any(|site| site.tls == to.tls) {
            true => Rejection::Port { host, port: to.port },
            false if named.is_empty() => Rejection::Host(host),
            false => Rejection::HostScheme { host, scheme: if to.tls { "https" } else { "http" } },
        })
    }

    /// Returns the allowed addresses of a host. Without one, rejects the request, with the reason for the first
    /// address.
    pub(super) fn reachable(
        &self,
        to: &Destination,
        addresses: &[IpAddr],
        network: &Network,
    ) -> Result<Vec<IpAddr>, Rejection> {
        let mut rejected = None;
        let mut reachable = Vec::new();
        for address in addresses.iter().map(|address| canonical(*address)) {
            match self.check(to, address, network) {
                Ok(()) => reachable.push(address),
                Err(rejection) => rejected = rejected.or(Some(rejection)),
            }
        }
        reachable.truncate(ADDRESSES_MAX);
        match rejected {
            Some(rejection) if reachable.is_empty() => Err(rejection),
            _ => Ok(reachable),
        }
    }

    fn check(&self, to: &Destination, address: IpAddr, network: &Network) -> Result<(), Rejection> {
        if let Some(name) = refused(address, &self.networks) {
            let host = to.host().to_owned();
            return Err(match to.address() {
                Some(_) => Rejection::Literal(address, name),
                None => Rejection::Address { host, address, name },
            });
        }
        if network.is_own(SocketAddr::new(address, to.port)) {
            return Err(Rejection::Gateway { host: to.host().to_owned() });
        }
        Ok(())
    }

    /// Returns the secrets for a destination and a path. Rejects an ambiguous path if secrets are bound to paths.
    pub(super) fn binding(&self, to: &Destination, path: &str) -> Result<Binding, Rejection> {
        let mut binding = Binding::default();
        for (index, bound) in self.bound.iter().enumerate().filter(|(_, bound)| covers(&bound.to, to)) {
            binding.is_guarded = true;
            binding.by_path |= !bound.paths.is_empty();
            if bound.paths.is_empty() || bound.paths.iter().any(|above| is_below(path, above)) {
                binding.secrets.push(index);
            }
        }
        if binding.by_path && !is_plain_path(path) {
            return Err(Rejection::Path(to.host().to_owned()));
        }
        Ok(binding)
    }

    /// Inserts secrets, replacing headers of the plugin. Waits for access tokens that have to be obtained first.
    pub(super) async fn bind(
        &self,
        secrets: &[usize],
        headers: &mut HeaderMap,
        egress: &Arc<Egress>,
        until: Instant,
    ) -> Result<Vec<Bound>, Failure> {
        let mut all = Vec::with_capacity(secrets.len());
        for (index, bound) in secrets.iter().filter_map(|index| Some((*index, self.bound.get(*index)?))) {
            let (value, generation) = match &bound.value {
                BoundValue::Fixed(value) => (value.clone(), None),
                BoundValue::Token(source) => {
                    let token = source.token(egress, until).await?;
                    (token.value.clone(), Some(token.generation))
                }
            };
            headers.insert(bound.header.clone(), value);
            all.push(Bound { index, generation });
        }
        Ok(all)
    }

    /// Notes that a server answered 401 to a request with these secrets. Returns whether to repeat the request, with
    /// other access tokens.
    pub(super) fn reject(&self, secrets: &[Bound]) -> bool {
        let tokens = secrets.iter().filter_map(|secret| match &self.bound.get(secret.index)?.value {
            BoundValue::Token(source) => Some((source, secret.generation?)),
            BoundValue::Fixed(_) => None,
        });
        tokens.fold(false, |is_repeated, (source, generation)| source.reject(generation) || is_repeated)
    }

    /// Returns patterns of the secrets of all hosts with bound secrets. Responses of these hosts must not contain them.
    pub(super) fn secrets(&self) -> Option<Arc<Patterns>> {
        let sources = || {
            self.bound.iter().filter_map(|bound| match &bound.value {
                BoundValue::Token(source) => Some(source),
                BoundValue::Fixed(_) => None,
            })
        };
        let mut secrets = self.secrets.lock();
        let added = sources().map(|source| source.added()).sum();
        if secrets.0 != added {
            let mut texts = self.fixed.clone();
            texts.extend(sources().flat_map(|source| source.confidential()));
            *secrets = (added, Patterns::new(&texts));
        }
        secrets.1.clone()
    }
}

impl Bound {
    /// Returns whether the secret is an access token.
    pub(super) fn is_token(&self) -> bool {
        self.generation.is_some()
    }
}

impl BoundHeader {
    fn new(bound: &BoundSecret) -> Self {
        let value = match TokenSource::new(bound) {
            Some(source) => BoundValue::Token(source),
            None => {
                let value = bound.render("").ok().and_then(confidential);
                BoundValue::Fixed(value.expect("the configuration was validated"))
            }
        };
        let header = HeaderName::try_from(&bound.header).expect("the configuration was validated");
        Self { to: site(&bound.to), paths: bound.paths.clone(), header, value }
    }
}

fn site(text: &str) -> Site {
    Site::parse(text).expect("the configuration was validated")
}

fn covers(site: &Site, to: &Destination) -> bool {
    site.tls == to.tls && site.port == to.port && names(&site.hosts, to)
}

/// Checks whether a grant names a host. A granted name never allows an address, and a granted address never allows a
/// name.
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
