//! From the name of a host to its addresses, as the system or the operator's nameservers say.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

/// Looks up names. Its cache is the one place where plugins share anything: what a name means.
pub(super) struct Names {
    nameservers: Vec<SocketAddr>,
    /// Made when it is first needed: most gateways never do.
    resolver: OnceLock<Result<TokioResolver, String>>,
}

impl Names {
    pub(super) fn new(nameservers: &[SocketAddr]) -> Self {
        Self { nameservers: nameservers.to_vec(), resolver: OnceLock::new() }
    }

    /// All addresses of a host, of both kinds.
    pub(super) async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let resolver = self.resolver.get_or_init(|| self.resolver()).as_ref().map_err(Clone::clone)?;
        // With the operator's own nameservers nothing is searched for: the name is whole.
        let name = if self.nameservers.is_empty() { host.to_owned() } else { format!("{host}.") };
        let found = resolver.lookup_ip(name).await.map_err(|error| error.to_string())?;
        Ok(found.iter().collect())
    }

    fn resolver(&self) -> Result<TokioResolver, String> {
        let mut builder = if self.nameservers.is_empty() {
            TokioResolver::builder_tokio().map_err(|error| format!("the system names no nameserver: {error}"))?
        } else {
            let servers = self.nameservers.iter().map(|address| server(*address)).collect();
            let config = ResolverConfig::from_name_servers(servers);
            let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        };
        // Each kind is asked for, so that each address is seen.
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        builder.build().map_err(|error| error.to_string())
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(at_port).to_vec();
    NameServerConfig::new(address.ip(), true, connections)
}
