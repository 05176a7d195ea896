//! `[plugins]`: where plugins come from, and what each of them gets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::limits::{LimitOverrides, Limits};
use super::secret::Secret;

/// Where plugins come from, and what they may use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// The folder that is watched for `.wasm` files.
    pub directory: PathBuf,
    /// Compiled plugins; safe to delete while the gateway is down.
    pub cache: PathBuf,
    /// Plugin calls at one time, of all plugins together.
    pub calls_max: u32,
    /// Of those for one tenant.
    pub calls_per_tenant_max: u32,
    /// Calls of the CRM's plugin for other plugins at one time, beside those.
    pub directory_calls_max: u32,
    /// Of those for one tenant.
    pub directory_calls_per_tenant_max: u32,
    /// How long a callback waits for a place among them.
    pub queue_timeout_ms: u64,
    /// The largest `.wasm` file that is taken.
    pub file_bytes_max: u64,
    /// How long compiling one plugin may take.
    pub compile_timeout_ms: u64,
    /// A changed file is read once it has kept size and time for this long.
    pub settle_ms: u64,
    /// The folder is looked through this often even where the system reports no change.
    pub rescan_interval_ms: u64,
    /// What one call may use, unless a plugin has limits of its own.
    pub limits: Limits,
    /// Settings of single plugins, by file name without `.wasm`.
    pub named: BTreeMap<String, Named>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            directory: "plugins".into(),
            cache: "data/compiled".into(),
            calls_max: 256,
            calls_per_tenant_max: 128,
            directory_calls_max: 64,
            directory_calls_per_tenant_max: 32,
            queue_timeout_ms: 1_000,
            file_bytes_max: 64 * 1024 * 1024,
            compile_timeout_ms: 120_000,
            settle_ms: 100,
            rescan_interval_ms: 30_000,
            limits: Limits::default(),
            named: BTreeMap::new(),
        }
    }
}

/// What one plugin is granted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// What the plugin reads through `settings` or `wasi:config`; the keys of a table inside are
    /// joined with dots.
    #[serde(deserialize_with = "flat")]
    pub config: BTreeMap<String, String>,
    /// Settings whose values are secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// A folder that the plugin may read, as its `/`.
    pub files: Option<PathBuf>,
    /// Limits that differ from `[plugins.limits]`.
    pub limits: LimitOverrides,
}

/// Turns `{ columns = { id = "Id" }, top = 5 }` into `columns.id` and `top`, all as text.
fn flat<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    fn walk(key: String, value: toml::Value, out: &mut BTreeMap<String, String>) -> Result<(), String> {
        let text = match value {
            toml::Value::Table(table) => {
                return table.into_iter().try_for_each(|(name, value)| walk(format!("{key}.{name}"), value, out));
            }
            toml::Value::String(text) => text,
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            toml::Value::Datetime(time) => time.to_string(),
            toml::Value::Array(_) => {
                return Err(format!("the setting `{key}` is a list; write it as one text"));
            }
        };
        out.insert(key, text);
        Ok(())
    }
    let mut out = BTreeMap::new();
    for (key, value) in toml::Table::deserialize(input)? {
        walk(key, value, &mut out).map_err(serde::de::Error::custom)?;
    }
    Ok(out)
}
