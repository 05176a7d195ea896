//! Looks up addresses of hosts with the nameservers of the system or of the operator.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

/// A resolver of host names. Plugins share its cache, but no other network state.
pub struct Resolver {
    nameservers: Vec<SocketAddr>,
    /// The resolver, created on first use: most gateways never need it.
    resolver: OnceLock<Result<TokioResolver, String>>,
}

impl Resolver {
    /// Creates a resolver that queries these nameservers. If the list is empty, it queries the system's nameservers.
    pub fn new(nameservers: &[SocketAddr]) -> Self {
        Self { nameservers: nameservers.to_vec(), resolver: OnceLock::new() }
    }

    /// Returns whether the system's nameservers are used.
    pub(crate) fn uses_system_nameservers(&self) -> bool {
        self.nameservers.is_empty()
    }

    /// Returns all IPv4 and IPv6 addresses of a host.
    pub async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let resolver = self.resolver.get_or_init(|| self.create()).as_ref().map_err(Clone::clone)?;
        // The final dot makes the name absolute, so that no `search` domain of /etc/resolv.conf is appended: other
        // parties may own names in these domains.
        let found = resolver.lookup_ip(format!("{host}.")).await.map_err(|error| error.to_string())?;
        Ok(found.iter().collect())
    }

    fn create(&self) -> Result<TokioResolver, String> {
        let mut builder = if self.nameservers.is_empty() {
            TokioResolver::builder_tokio()
                .map_err(|error| format!("no nameserver configured in the system: {error}"))?
        } else {
            let servers = self.nameservers.iter().map(|address| server(*address)).collect();
            let config = ResolverConfig::from_name_servers(servers);
            let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        };
        // IPv4 and IPv6 addresses are looked up, so that every address is checked.
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

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use hickory_resolver::proto::rr::Name;

    use super::*;

    /// Returns the names that a resolver with a search list queries when it looks up one host.
    async fn asked(host: &str) -> Vec<String> {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let answering = std::thread::spawn(move || {
            let (mut names, mut packet) = (Vec::new(), [0; 512]);
            // An empty packet ends the loop.
            while let Some((bytes, from)) = socket.recv_from(&mut packet).ok().filter(|(bytes, _)| *bytes > 0) {
                let question = packet.get(12..bytes).unwrap_or_default();
                let mut labels = Vec::new();
                let mut rest = question;
                while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
                    let (label, after) = after.split_at(usize::from(*length));
                    labels.push(String::from_utf8_lossy(label).into_owned());
                    rest = after;
                }
                names.push(labels.join("."));
                // The response code is NXDOMAIN.
                packet[2..4].copy_from_slice(&[0x81, 0x83]);
                let _ = socket.send_to(&packet[..bytes], from);
            }
            names
        });
        let search = vec![Name::from_ascii("corp.test.").expect("a name")];
        let config = ResolverConfig::from_parts(None, search, vec![server(address)]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().ndots = 5;
        let names = Resolver {
            nameservers: Vec::new(),
            resolver: OnceLock::from(builder.build().map_err(|error| error.to_string())),
        };
        assert!(names.look_up(host).await.is_err());
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], address)).expect("the end");
        let mut names = answering.join().expect("no panic");
        names.sort();
        names.dedup();
        names
    }

    #[tokio::test]
    async fn only_the_name_itself_is_asked_for() {
        assert_eq!(asked("crm").await, ["crm"]);
        assert_eq!(asked("api.example.com").await, ["api.example.com"]);
    }
}
