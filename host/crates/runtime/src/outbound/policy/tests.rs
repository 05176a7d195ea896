//! Tests of the egress policy.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use frontgate_net::address;
use ipnet::IpNet;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::outbound::network::NetworkOverrides;
use crate::settings::Plugins;

fn policy(settings: &str) -> Policy {
    Policy::new(&toml::from_str(settings).expect("a configuration"))
}

/// The network of a gateway that listens at `127.0.0.1:8080`.
static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let own = vec!["127.0.0.1:8080".parse().expect("an address")];
    Network::new(&Plugins::default(), &NetworkOverrides { own, ..Default::default() })
});

/// Checks a URL whose host has these addresses.
fn verdict(policy: &Policy, url: &str, addresses: &[&str]) -> Result<Vec<IpAddr>, Rejection> {
    let to = Destination::of(&Url::parse(url).map_err(Rejection::url)?)?;
    policy.admit(&to)?;
    let addresses: Vec<IpAddr> = match to.address() {
        Some(address) => vec![address],
        None => addresses.iter().map(|address| address.parse().expect("an address")).collect(),
    };
    policy.reachable(&to, &addresses, &NETWORK)
}

#[test]
fn only_what_is_granted_is_reached() {
    let grants = r#"
        outbound = ["https://api.example.com", "https://*.example.org:8443", "http://10.0.0.5:8080", "http://1.1.1.1",
            "http://crm.example.net", "http://localhost:8080", "http://localhost:8081", "https://[fd00::7]"]
        outbound_networks = ["10.0.0.0/24", "127.0.0.0/8", "fd00::/8"]
    "#;
    let policy = policy(grants);
    let public = ["93.184.215.14"];
    let table: &[(&str, &[&str], &str)] = &[
        ("https://api.example.com/v1?q=1", &public, "answered"),
        ("https://API.EXAMPLE.COM.", &public, "answered"),
        ("https://api.example.com:443", &public, "answered"),
        ("http://api.example.com", &public, "scheme"),
        ("https://api.example.com:8443", &public, "port"),
        ("https://example.com", &public, "host"),
        ("https://api.example.com.evil.net", &public, "host"),
        ("https://evilapi.example.com", &public, "host"),
        ("https://user@api.example.com", &public, "user-info"),
        ("https://:word@api.example.com", &public, "user-info"),
        ("https://a.b.example.org:8443", &public, "answered"),
        ("https://example.org:8443", &public, "host"),
        ("https://.example.org:8443", &public, "host"),
        ("https://aexample.org:8443", &public, "host"),
        ("ftp://api.example.com", &public, "scheme"),
        ("file:///etc/passwd", &public, "scheme"),
        ("http://10.0.0.5:8080", &[], "answered"),
        ("http://0x0a.5:8080", &[], "answered"),
        ("http://10.0.0.5", &[], "address"),
        ("http://10.0.0.6:8080", &[], "address"),
        ("http://1.1.1.1", &[], "answered"),
        ("http://1.1.1.2", &[], "host"),
        ("https://[fd00::7]", &[], "answered"),
        ("https://[fd00::8]", &[], "address"),
        ("https://api.example.com", &["10.1.2.3"], "address"),
        ("https://api.example.com", &["169.254.169.254"], "address"),
        ("https://api.example.com", &["::ffff:192.168.0.1"], "address"),
        ("https://api.example.com", &["fd00:ec2::254"], "address"),
        ("https://api.example.com", &["10.0.0.9"], "answered"),
        ("https://api.example.com", &["192.168.0.1", "93.184.215.14"], "answered"),
        ("http://localhost:8081", &["127.0.0.1"], "answered"),
        ("http://localhost:8080", &["127.0.0.1"], "gateway"),
        ("http://localhost:8080", &["::ffff:127.0.0.1"], "gateway"),
    ];
    for (url, addresses, expected) in table {
        let found = verdict(&policy, url, addresses);
        let name = found.as_ref().map_or_else(Rejection::verdict, |_| "answered");
        assert_eq!(name, *expected, "{url} at {addresses:?}: {found:?}");
    }
}

#[test]
fn a_bad_address_is_never_tried_beside_a_good_one() {
    let policy = policy("outbound = [\"https://api.example.com\"]");
    let found = verdict(&policy, "https://api.example.com", &["127.0.0.1", "93.184.215.14", "::1"]);
    assert_eq!(found, Ok(vec!["93.184.215.14".parse().expect("an address")]));
}

#[test]
fn a_refusal_says_what_it_is_about() {
    let policy = policy("outbound = [\"https://api.example.com\"]");
    let said = |url: &str, addresses: &[&str]| verdict(&policy, url, addresses).expect_err("a refusal").to_string();
    assert_eq!(
        said("https://api.example.com", &["10.1.2.3"]),
        "blocked by egress policy: api.example.com resolves to 10.1.2.3, not a public address (private); add the \
         network to outbound_networks"
    );
    assert_eq!(
        said("http://0x7f.1", &[]),
        "blocked by egress policy: 127.0.0.1 is not a public address (loopback); add its network to outbound_networks"
    );
    assert_eq!(said("http://[fe80::1%25eth0]", &[]), "blocked by egress policy: invalid URL: invalid IPv6 address");
}

#[tokio::test]
async fn a_secret_is_bound_to_scheme_host_and_port_and_replaces_what_the_plugin_wrote() {
    let path = std::env::var("PATH").expect("a path");
    let text = r#"
        outbound = ["https://api.example.com", "http://api.example.com", "https://api.example.com:8443"]
        [[bound_secrets]]
        to = "https://api.example.com"
        header = "Authorization"
        value = "Bearer {token}"
        secrets = { token = { env = "PATH" } }
    "#;
    let mut named: Named = toml::from_str(text).expect("a configuration");
    for (_, secret) in named.secrets_mut("p") {
        secret.resolve(std::path::Path::new("."), frontgate_system::ownership::open);
    }
    let network = Arc::new(Network::new(&Plugins::default(), &NetworkOverrides::default()));
    let egress = Arc::new(Egress::new(&"p".into(), Some(&named), &network));
    let policy = &egress.policy;
    for (url, bound) in [
        ("https://api.example.com/x", true),
        ("http://api.example.com/x", false),
        ("https://api.example.com:8443/x", false),
    ] {
        let to = Destination::of(&Url::parse(url).expect("a URL")).expect("a destination");
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("the plugin's own"));
        let secrets = policy.binding(&to, "/x").expect("a binding").secrets;
        policy.bind(&secrets, &mut headers, &egress, Instant::now()).await.expect("no token is needed");
        let value = &headers["authorization"];
        assert_eq!(value == format!("Bearer {path}").as_str(), bound, "{url}");
        assert!(!bound || !format!("{headers:?}").contains(&path), "a secret prints itself");
    }
}

/// Generates addresses of a network.
fn within(network: IpNet) -> BoxedStrategy<IpAddr> {
    match network {
        IpNet::V4(network) => {
            let host =
                any::<u32>().prop_map(move |bits| network.network().to_bits() | (bits & network.hostmask().to_bits()));
            host.prop_map(|bits| Ipv4Addr::from_bits(bits).into()).boxed()
        }
        IpNet::V6(network) => {
            let host =
                any::<u128>().prop_map(move |bits| network.network().to_bits() | (bits & network.hostmask().to_bits()));
            host.prop_map(|bits| Ipv6Addr::from_bits(bits).into()).boxed()
        }
    }
}

/// Generates addresses that are not on the public internet.
fn denied() -> impl Strategy<Value = IpAddr> {
    let networks: Vec<IpNet> = address::reserved().chain(address::grantable()).collect();
    prop::sample::select(networks).prop_flat_map(within)
}

/// Formats one number of an address in one of the notations that programs accept.
fn number(value: u32, notation: u8) -> String {
    match notation % 5 {
        0 => format!("{value}"),
        1 => format!("0{value:o}"),
        2 => format!("0x{value:x}"),
        3 => format!("0X00{value:X}"),
        _ => format!("000{value:o}"),
    }
}

/// Formats an IPv4 address in one, two, three or four parts.
fn v4(address: Ipv4Addr, parts: u8, notations: [u8; 4]) -> String {
    let [a, b, c, d] = address.octets().map(u32::from);
    let numbers = match parts % 4 {
        0 => vec![a, b, c, d],
        1 => vec![a, b, c << 8 | d],
        2 => vec![a, b << 16 | c << 8 | d],
        _ => vec![address.to_bits()],
    };
    let written: Vec<String> = numbers.iter().zip(notations).map(|(value, how)| number(*value, how)).collect();
    written.join(".")
}

/// Formats an IPv6 address in full, shortened, in capitals, or with its end as IPv4.
fn v6(address: Ipv6Addr, how: u8) -> String {
    let segments = address.segments();
    let full: Vec<String> = segments.iter().map(|segment| format!("{segment:04x}")).collect();
    let [.., a, b, c, d] = address.octets();
    match how % 4 {
        0 => format!("[{address}]"),
        1 => format!("[{}]", full.join(":")),
        2 => format!("[{}]", full.join(":").to_uppercase()),
        _ => format!("[{}:{a}.{b}.{c}.{d}]", full[..6].join(":")),
    }
}

/// Formats an address in an obscure notation.
fn disguised(address: IpAddr, how: u8, parts: u8, notations: [u8; 4]) -> String {
    match address {
        IpAddr::V6(address) => v6(address, how),
        IpAddr::V4(address) => match how % 8 {
            0 | 1 => v4(address, parts, notations),
            2 => format!("{}.", v4(address, parts, notations)),
            3 => v4(address, parts, notations).chars().map(|c| format!("%{:02x}", u32::from(c))).collect(),
            4 => wide(&v4(address, parts, notations)),
            5 => v6(address.to_ipv6_mapped(), parts),
            6 => v6(address.to_ipv6_compatible(), parts),
            _ => {
                let nat64 = Ipv6Addr::from_bits(0x0064_ff9b << 96 | u128::from(address.to_bits()));
                let six = Ipv6Addr::from_bits(0x2002 << 112 | u128::from(address.to_bits()) << 80);
                v6(if parts.is_multiple_of(2) { nat64 } else { six }, parts)
            }
        },
    }
}

/// Replaces letters, digits and dots with full-width forms, which browsers treat as equal.
fn wide(text: &str) -> String {
    let wide = |c: char| match c {
        '.' => '。',
        '0'..='9' | 'a'..='z' | 'A'..='Z' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(wide).collect()
}

proptest! {
    /// The policy rejects these addresses in every notation, even if other hosts are granted.
    #[test]
    fn no_address_of_the_deny_set_passes_as_a_literal(
        address in denied(), how: u8, parts: u8, notations: [u8; 4], tls: bool, port in prop::option::of(1_u16..),
    ) {
        let policy = policy("outbound = [\"http://*.example.com\", \"https://*.example.com\", \"http://1.1.1.1\"]");
        let scheme = if tls { "https" } else { "http" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let url = format!("{scheme}://{}{port}/", disguised(address, how, parts, notations));
        prop_assert!(verdict(&policy, &url, &[]).is_err(), "{url}");
    }

    /// Addresses behind a name are checked in the same way, each on its own.
    #[test]
    fn no_address_of_the_deny_set_passes_behind_a_name(addresses in prop::collection::vec(denied(), 1..5), public: bool) {
        let policy = policy("outbound = [\"https://api.example.com\"]");
        let to = Destination::of(&Url::parse("https://api.example.com").expect("a URL")).expect("a destination");
        let good: IpAddr = Ipv4Addr::new(93, 184, 215, 14).into();
        let all: Vec<IpAddr> = addresses.into_iter().chain(public.then_some(good)).collect();
        match policy.reachable(&to, &all, &NETWORK) {
            Ok(reached) => prop_assert_eq!(reached, vec![good]),
            Err(refusal) => prop_assert!(!public, "{}", refusal),
        }
    }

    /// A grant of networks allows only addresses of these networks.
    #[test]
    fn a_granted_network_opens_no_other(address in denied()) {
        let policy = policy("outbound = [\"https://api.example.com\"]\noutbound_networks = [\"10.0.0.0/8\", \"fd00::/16\"]");
        let to = Destination::of(&Url::parse("https://api.example.com").expect("a URL")).expect("a destination");
        let granted: [IpNet; 2] = ["10.0.0.0/8", "fd00::/16"].map(|network| network.parse().expect("a network"));
        let inside = granted.iter().any(|network| network.contains(&canonical(address)));
        let passes = policy.reachable(&to, &[address], &NETWORK).is_ok();
        prop_assert!(!passes || inside, "{}", address);
    }
}
