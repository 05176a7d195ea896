//! Classifies IP addresses: public, grantable private networks, and reserved ranges.
//!
//! The ranges are the union of the lists of several gateways and proxies, since each list lacks some ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The range of an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Special {
    /// Name of the range, as in "10.1.2.3 is not public (private)".
    pub name: &'static str,
    /// Whether an operator can grant the range.
    pub grantable: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(bits: u128, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), prefix)
}

/// Metadata services of cloud providers, which return credentials. Some of these addresses look public or are inside
/// grantable networks.
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::from_bits(0xfd00_0ec2_0000_0000_0000_0000_0000_0254)),
    IpAddr::V6(Ipv6Addr::from_bits(0xfd20_00ce_0000_0000_0000_0000_0000_0254)),
];

/// Networks inside a company, which an operator can grant.
const GRANTABLE: [(IpNet, &str); 7] = [
    (IpNet::V4(v4(10, 0, 0, 0, 8)), "private"),
    (IpNet::V4(v4(100, 64, 0, 0, 10)), "shared"),
    (IpNet::V4(v4(127, 0, 0, 0, 8)), "loopback"),
    (IpNet::V4(v4(172, 16, 0, 0, 12)), "private"),
    (IpNet::V4(v4(192, 168, 0, 0, 16)), "private"),
    (IpNet::V6(v6(1, 128)), "loopback"),
    (IpNet::V6(v6(0xfc00 << 112, 7)), "unique local"),
];

/// Ranges that the gateway never connects to.
const RESERVED: [(IpNet, &str); 32] = [
    (IpNet::V4(v4(0, 0, 0, 0, 8)), "unspecified"),
    (IpNet::V4(v4(169, 254, 0, 0, 16)), "link-local"),
    (IpNet::V4(v4(192, 0, 0, 0, 24)), "protocol"),
    (IpNet::V4(v4(192, 0, 2, 0, 24)), "documentation"),
    (IpNet::V4(v4(192, 31, 196, 0, 24)), "AS112"),
    (IpNet::V4(v4(192, 52, 193, 0, 24)), "multicast relay"),
    (IpNet::V4(v4(192, 88, 99, 0, 24)), "6to4 relay"),
    (IpNet::V4(v4(192, 175, 48, 0, 24)), "AS112"),
    (IpNet::V4(v4(198, 18, 0, 0, 15)), "benchmarking"),
    (IpNet::V4(v4(198, 51, 100, 0, 24)), "documentation"),
    (IpNet::V4(v4(203, 0, 113, 0, 24)), "documentation"),
    (IpNet::V4(v4(224, 0, 0, 0, 4)), "multicast"),
    (IpNet::V4(v4(255, 255, 255, 255, 32)), "broadcast"),
    (IpNet::V4(v4(240, 0, 0, 0, 4)), "reserved"),
    (IpNet::V6(v6(0, 128)), "unspecified"),
    (IpNet::V6(v6(0, 96)), "IPv4-compatible"),
    (IpNet::V6(v6(0xffff << 48, 96)), "IPv4-translated"),
    (IpNet::V6(v6(0x0064_ff9b << 96, 96)), "NAT64"),
    (IpNet::V6(v6(0x0064_ff9b_0001 << 80, 48)), "NAT64"),
    (IpNet::V6(v6(0x0100 << 112, 64)), "discard"),
    (IpNet::V6(v6((0x0100 << 112) | (1 << 64), 64)), "dummy"),
    (IpNet::V6(v6(0x2001 << 112, 32)), "Teredo"),
    (IpNet::V6(v6(0x2001_0002 << 96, 48)), "benchmarking"),
    (IpNet::V6(v6(0x2001_0db8 << 96, 32)), "documentation"),
    (IpNet::V6(v6(0x2001 << 112, 23)), "protocol"),
    (IpNet::V6(v6(0x2002 << 112, 16)), "6to4"),
    (IpNet::V6(v6(0x3fff << 112, 20)), "documentation"),
    (IpNet::V6(v6(0x2620_004f_8000 << 80, 48)), "AS112"),
    (IpNet::V6(v6(0x5f00 << 112, 16)), "segment routing"),
    (IpNet::V6(v6(0xfe80 << 112, 10)), "link-local"),
    (IpNet::V6(v6(0xfec0 << 112, 10)), "site-local"),
    (IpNet::V6(v6(0xff00 << 112, 8)), "multicast"),
];

/// The public range of IPv6.
const GLOBAL: Ipv6Net = v6(0x2000 << 112, 3);

/// Returns an IPv4-mapped address as IPv4: `::ffff:10.0.0.1` is 10.0.0.1.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Returns the name of the range that forbids an address, or `None` if it is public or granted by `networks`.
pub fn refused(address: IpAddr, networks: &[IpNet]) -> Option<&'static str> {
    let special = special(address)?;
    let is_granted = special.grantable && networks.iter().any(|network| network.contains(&canonical(address)));
    (!is_granted).then_some(special.name)
}

/// Returns the range of an address that is not public, or `None` for a public address.
pub fn special(address: IpAddr) -> Option<Special> {
    let address = canonical(address);
    if METADATA.contains(&address) {
        return Some(Special { name: "metadata", grantable: false });
    }
    let named = |ranges: &[(IpNet, &'static str)], grantable| {
        let found = ranges.iter().find(|(range, _)| range.contains(&address));
        found.map(|(_, name)| Special { name, grantable })
    };
    named(&GRANTABLE, true).or_else(|| named(&RESERVED, false)).or_else(|| match address {
        IpAddr::V6(address) if !GLOBAL.contains(&address) => Some(Special { name: "reserved", grantable: false }),
        _ => None,
    })
}

/// Returns whether a whole network is grantable.
pub fn is_grantable(network: &IpNet) -> bool {
    GRANTABLE.iter().any(|(range, _)| range.contains(network))
}

/// Returns the ranges that the gateway never connects to.
pub fn reserved() -> impl Iterator<Item = IpNet> {
    RESERVED.into_iter().map(|(range, _)| range)
}

/// Returns the networks that an operator can grant.
pub fn grantable() -> impl Iterator<Item = IpNet> {
    GRANTABLE.into_iter().map(|(range, _)| range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(address: &str) -> Option<&'static str> {
        special(address.parse().expect("an address")).map(|special| special.name)
    }

    #[test]
    fn every_address_that_is_not_public_has_a_name() {
        let table = [
            ("0.0.0.0", "unspecified"),
            ("10.1.2.3", "private"),
            ("100.64.0.1", "shared"),
            ("100.100.100.200", "metadata"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "metadata"),
            ("169.254.0.1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "protocol"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4 relay"),
            ("192.168.1.1", "private"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::10.0.0.1", "IPv4-compatible"),
            ("::ffff:10.0.0.1", "private"),
            ("::ffff:169.254.169.254", "metadata"),
            ("::ffff:0:10.0.0.1", "IPv4-translated"),
            ("64:ff9b::10.0.0.1", "NAT64"),
            ("64:ff9b::8.8.8.8", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "discard"),
            ("100:0:0:1::1", "dummy"),
            ("2001::1", "Teredo"),
            ("2001:2::1", "benchmarking"),
            ("2001:10::1", "protocol"),
            ("2001:db8::1", "documentation"),
            ("2002:a00:1::", "6to4"),
            ("3fff::1", "documentation"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "metadata"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("4000::1", "reserved"),
            ("8000::1", "reserved"),
        ];
        for (address, expected) in table {
            assert_eq!(name(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_not_special() {
        let public = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"];
        let neighbours = ["9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255"];
        let newer = ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "::ffff:8.8.8.8"];
        for address in public.into_iter().chain(neighbours).chain(newer) {
            assert_eq!(name(address), None, "{address}");
        }
    }

    #[test]
    fn only_private_networks_can_be_granted() {
        for network in ["10.0.0.0/8", "10.1.0.0/16", "127.0.0.1/32", "fd00::/8", "::1/128", "192.168.7.0/24"] {
            assert!(is_grantable(&network.parse().expect("a network")), "{network}");
        }
        for network in ["0.0.0.0/0", "10.0.0.0/7", "8.8.8.0/24", "169.254.0.0/16", "::/0", "fe80::/10", "2001:db8::/32"]
        {
            assert!(!is_grantable(&network.parse().expect("a network")), "{network}");
        }
    }
}
