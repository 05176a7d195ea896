//! Proxies that the gateway believes when they name the address of a caller.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNIX: &str = "unix";

/// A network of proxies, one proxy, or every caller of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedProxy {
    /// Addresses of proxies.
    Network(IpNet),
    /// Every process that connects to the Unix socket.
    Unix,
}

/// The header in which trusted proxies list the addresses that a request passed through.
///
/// Only one is read: most proxies write one of them, and pass on the other one as the caller sent it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

/// Returns whether a peer is a trusted proxy. `None` is the peer of a Unix socket.
pub(crate) fn is_trusted(proxies: &[TrustedProxy], peer: Option<IpAddr>) -> bool {
    proxies.iter().any(|proxy| match (proxy, peer) {
        (TrustedProxy::Network(network), Some(address)) => network.contains(&address.to_canonical()),
        (TrustedProxy::Unix, None) => true,
        (TrustedProxy::Network(_), None) | (TrustedProxy::Unix, Some(_)) => false,
    })
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Unix => f.write_str(UNIX),
        }
    }
}

impl<'de> Deserialize<'de> for TrustedProxy {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        if text == UNIX {
            return Ok(Self::Unix);
        }
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network
            .map(Self::Network)
            .map_err(|_| D::Error::custom("expected an address, a network such as 10.0.0.0/8, or unix"))
    }
}

impl Serialize for TrustedProxy {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl JsonSchema for TrustedProxy {
    fn schema_name() -> Cow<'static, str> {
        "TrustedProxy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
