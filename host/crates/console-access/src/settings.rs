//! The section `[console]` of `config.toml`.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smart_default::SmartDefault;

use crate::proxy::{Members, Proxy};

/// The operators' console, pages for a browser.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port of the console, or `off`. If the address cannot be bound, the gateway runs without a console.
    #[default(Listen(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8082)))))]
    #[schemars(extend("x-restart" = true))]
    pub listen: Listen,
    /// URL under which people reach the console through a proxy, such as `https://console.example.com`. Login links begin
    /// with it, and with `https` cookies are sent over TLS only.
    pub url: Option<String>,
    /// Host names of the console, without a port, in addition to its addresses, `localhost`, names below `localhost` and
    /// the host of `url`. Requests for other names are rejected, so that other web pages cannot read the console.
    pub hosts: Vec<String>,
    /// Connections of all browsers.
    #[default = 64]
    #[schemars(range(min = 1, max = 10_000), extend("x-restart" = true))]
    pub connections_max: usize,
    /// Time for which an unused login link works.
    #[default = 300_000]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub link_ms: u64,
    /// Time without a request after which a session ends.
    #[default = 43_200_000]
    #[schemars(range(min = 1_000, max = 365 * 86_400_000_u64))]
    pub session_idle_ms: u64,
    /// Time after which a session ends in any case.
    #[default = 604_800_000]
    #[schemars(range(min = 1_000, max = 365 * 86_400_000_u64))]
    pub session_max_ms: u64,
    /// Time for which a page shows personal data after the person asked for it.
    #[default = 60_000]
    #[schemars(range(min = 1_000, max = 3_600_000))]
    pub reveal_ms: u64,
    /// Rows of a page.
    #[default = 100]
    #[schemars(range(min = 1, max = 1_000))]
    pub rows_max: u32,
    /// Deliveries that one action changes.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub bulk_max: u32,
    /// Time for which a request for new rows of the page Live is held if there are none.
    #[default = 1_000]
    #[schemars(range(min = 10, max = 60_000))]
    pub hold_ms: u64,
    /// Requests for new rows that are held at one time. Further ones are answered at once.
    #[default = 64]
    #[schemars(range(min = 1, max = 10_000))]
    pub tails_max: usize,
    /// The page Simulator. `ask`: the worker's app, which calls the live plugins as
    /// Frontline does. `full`: also simulations of
    /// whole conversations, in a process of their own with simulated platforms. `off`: neither.
    pub simulator: Simulator,
    /// Time after which a simulation ends.
    #[default = 3_600_000]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub simulation_ms: u64,
    /// A proxy in front of the console that signs people in. Without it, people sign in with login links.
    pub proxy: Option<Proxy>,
    /// Roles of the people that the proxy names.
    pub roles: Members,
}

/// Extent of the page Simulator.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Simulator {
    /// None.
    Off,
    /// Questions of the worker's app.
    #[default]
    Ask,
    /// Questions, and whole conversations.
    Full,
}

/// An address, or `None` for `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listen(pub Option<SocketAddr>);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        if text == "off" {
            return Ok(Self(None));
        }
        let address = text.parse().map_err(|_| serde::de::Error::custom("expected ADDRESS:PORT or off"))?;
        Ok(Self(Some(address)))
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(address) => output.collect_str(&address),
            None => output.serialize_str("off"),
        }
    }
}

impl JsonSchema for Listen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Listen".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
