//! `[plugins.state]`: limits of the state that a granted plugin may store for each tenant.

use std::borrow::Cow;
use std::fmt;

use frontgate_settings::limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

limits! {
    /// State that a plugin may store for each tenant, where `state = true` grants it.
    StateLimits,
    /// Limits of one plugin's state that differ from `[plugins.state]`.
    StateOverrides,

    /// Number of keys.
    #[schemars(range(min = 1, max = 10_000_000))]
    keys_max: usize = 10_000,
    /// Size of all keys and values in bytes.
    #[schemars(range(min = 1, max = 4_u64 << 30))]
    bytes_max: usize = 10 << 20,
    /// Size of one key in bytes.
    #[schemars(range(min = 1, max = 4_096))]
    key_bytes_max: usize = 256,
    /// Size of one value in bytes.
    #[schemars(range(min = 1, max = 64 << 20))]
    value_bytes_max: usize = 64 << 10,
    /// Keys that one call may write, and keys that it may swap or increment.
    #[schemars(range(min = 1, max = 100_000))]
    call_keys_max: usize = 1_000,
    /// Size in bytes of the keys and values that one call may write, or read in one batch.
    #[schemars(range(min = 1, max = 1 << 30))]
    call_bytes_max: usize = 1 << 20,
    /// Time that a call waits for a key that another call is swapping or incrementing.
    #[schemars(range(min = 0, max = 86_400_000))]
    wait_ms: u64 = 1_000,
    /// Maximum lifetime of a key in seconds. Default: the lifetime that the plugin chooses.
    #[schemars(range(min = 1, max = u32::MAX))]
    keep_seconds_max: Option<u32> = None,
}

/// Value of `state` in `[plugins.named.NAME]`: `false`, `true`, or a table with limits that differ.
#[derive(Debug, Default)]
pub struct StateGrant(pub Option<StateOverrides>);

impl Serialize for StateGrant {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => output.serialize_bool(false),
            Some(own) if own.is_empty() => output.serialize_bool(true),
            Some(own) => own.serialize(output),
        }
    }
}

impl JsonSchema for StateGrant {
    fn schema_name() -> Cow<'static, str> {
        "StateGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "boolean or table",
            "anyOf": [{ "type": "boolean" }, generator.subschema_for::<StateOverrides>()],
        })
    }
}

impl<'de> Deserialize<'de> for StateGrant {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Grant)
    }
}

struct Grant;

impl<'de> Visitor<'de> for Grant {
    type Value = StateGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or a table with limits")
    }

    fn visit_bool<E>(self, granted: bool) -> Result<StateGrant, E> {
        Ok(StateGrant(granted.then(StateOverrides::default)))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<StateGrant, A::Error> {
        let own = StateOverrides::deserialize(MapAccessDeserializer::new(table))?;
        Ok(StateGrant(Some(own)))
    }
}
