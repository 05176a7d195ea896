//! The unit by which connections are counted: one IPv4 address, or the IPv6 network of one subscriber.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address, the /64 prefix of an IPv6 address, or neither. A subscriber usually controls a whole /64, not one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Network {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// The upper 64 bits of an IPv6 address.
    V6(u64),
    /// A trusted proxy whose caller is unknown so far, or a process of this machine. Its connections have no limit of
    /// their own.
    Unlimited,
}

impl Network {
    /// Returns the network of an address. An IPv4-mapped IPv6 address is treated as the IPv4 address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let upper = address.to_bits() >> 64;
                Self::V6(u64::try_from(upper).expect("64 bits are left"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Network {
        Network::of(address.parse().expect("an address"))
    }

    #[test]
    fn ipv4_addresses_are_separate_networks() {
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn ipv6_addresses_of_a_64_are_one_network() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    }
}
