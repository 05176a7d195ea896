//! Where the public listener listens: an address, a Unix socket, or a socket that systemd passes.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNIX: &str = "unix:";
const SYSTEMD: &str = "systemd";

/// Place of the public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// Address and port.
    Address(SocketAddr),
    /// Path of a Unix socket, which the gateway creates.
    Unix(PathBuf),
    /// Socket that systemd passes, with its name (`FileDescriptorName=`) if it passes several.
    Systemd(Option<String>),
}

impl Listen {
    /// Returns the address; `None` for a Unix socket, and for a socket of systemd.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Unix(_) | Self::Systemd(_) => None,
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::Address((Ipv4Addr::LOCALHOST, 8080).into())
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Systemd(None) => f.write_str(SYSTEMD),
            Self::Systemd(Some(name)) => write!(f, "{SYSTEMD}:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        if let Some(path) = text.strip_prefix(UNIX).filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        if text == SYSTEMD {
            return Ok(Self::Systemd(None));
        }
        if let Some(name) = text.strip_prefix("systemd:").filter(|name| !name.is_empty()) {
            return Ok(Self::Systemd(Some(name.to_owned())));
        }
        let address = text.parse();
        address.map(Self::Address).map_err(|_| D::Error::custom("expected ADDRESS:PORT, unix:PATH or systemd"))
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl JsonSchema for Listen {
    fn schema_name() -> Cow<'static, str> {
        "Listen".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Listen, serde_json::Error> {
        serde_json::from_value(serde_json::Value::from(text))
    }

    #[test]
    fn each_place_is_written_as_it_is_read() {
        for text in ["127.0.0.1:8080", "[::1]:443", "unix:/run/frontgate.sock", "systemd", "systemd:public"] {
            assert_eq!(read(text).expect("a place").to_string(), text);
        }
    }

    #[test]
    fn a_place_without_port_or_path_is_rejected() {
        for text in ["127.0.0.1", "unix:", "systemd:", "localhost:80"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
