//! The section `[plugins.state]` of the configuration: limits of a plugin's state for each tenant.

use std::fmt;

use frontgate_settings::limits;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

limits! {
    /// Limits of a plugin's state for one tenant.
    StateLimits,
    /// Limits of one plugin's state that differ from `[plugins.state]`.
    StateOverrides,

    /// Keys of a bucket.
    keys_max: usize = 10_000,
    /// Bytes of keys and values of a bucket.
    bytes_max: usize = 10 * 1024 * 1024,
    /// Bytes of one key.
    key_bytes_max: usize = 256,
    /// Bytes of one value.
    value_bytes_max: usize = 64 * 1024,
    /// Keys that one call may write, and keys that it may lock by swaps and increments.
    call_keys_max: usize = 1_000,
    /// Bytes of keys and values that one call may write, or read in one batch.
    call_bytes_max: usize = 1024 * 1024,
    /// How long a call waits for a key that another call has locked.
    wait_ms: u64 = 1_000,
    /// The longest time until a key expires; without it, the plugin alone decides.
    keep_seconds_max: Option<u32> = None,
}

impl StateLimits {
    /// Each setting with its value and range: name, value, minimum, maximum.
    pub fn ranges(&self) -> [(&'static str, u64, u64, u64); 8] {
        let size = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (mib, gib) = (1 << 20, 1 << 30);
        [
            ("keys_max", size(self.keys_max), 1, 10_000_000),
            ("bytes_max", size(self.bytes_max), 1, 4 * gib),
            ("key_bytes_max", size(self.key_bytes_max), 1, 4_096),
            ("value_bytes_max", size(self.value_bytes_max), 1, 64 * mib),
            ("call_keys_max", size(self.call_keys_max), 1, 100_000),
            ("call_bytes_max", size(self.call_bytes_max), 1, gib),
            ("wait_ms", self.wait_ms, 0, 86_400_000),
            ("keep_seconds_max", self.keep_seconds_max.unwrap_or(1).into(), 1, u32::MAX.into()),
        ]
    }
}

/// The setting `state` of a plugin: `false`, `true`, or limits that differ from `[plugins.state]`.
#[derive(Debug, Default)]
pub struct StateGrant(pub Option<StateOverrides>);

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
