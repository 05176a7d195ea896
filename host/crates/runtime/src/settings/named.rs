//! Settings of one plugin.

use std::collections::BTreeMap;
use std::path::PathBuf;

use frontgate_settings::Secret;
use frontgate_state::settings::StateGrant;
use serde::{Deserialize, Deserializer};

use super::lifecycle::InstanceReuse;
use super::limits::LimitOverrides;
use super::outbound::BoundSecret;
use super::webhooks::WebhookKey;

/// `[plugins.named.NAME]`: grants and limits of one plugin.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// Settings that the plugin reads through `settings` or `wasi:config`. Keys of nested tables are joined with dots.
    #[serde(deserialize_with = "flat")]
    pub config: BTreeMap<String, String>,
    /// Settings whose values are secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// A folder that the plugin can read, as its `/`.
    pub files: Option<PathBuf>,
    /// Concurrent calls.
    pub calls_max: Option<u32>,
    /// Instance reuse.
    pub instances: InstanceReuse,
    /// Whether a large file serves in a quick build until the optimised build is ready.
    pub quick_build: bool,
    /// Sites that it can send requests to: scheme, host (`*.` for all subdomains) and port.
    pub outbound: Vec<String>,
    /// Private networks in which these hosts can be.
    pub outbound_networks: Vec<String>,
    /// Secrets that the gateway inserts into these requests, and that the plugin never sees.
    pub bound_secrets: Vec<BoundSecret>,
    /// Keys with which the gateway verifies webhooks for the plugin, and that the plugin never sees.
    pub webhook_keys: BTreeMap<String, WebhookKey>,
    /// Grant and limits of key-value state.
    pub state: StateGrant,
    /// Limits that differ from `[plugins.limits]`.
    pub limits: LimitOverrides,
}

impl Named {
    /// Returns every secret with its key, which begins with `table`.
    pub fn secrets_mut(&mut self, table: &str) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (key, secret) in &mut self.secrets {
            secrets.push((format!("{table}.secrets.{key}"), secret));
        }
        for (index, bound) in self.bound_secrets.iter_mut().enumerate() {
            for (key, secret) in &mut bound.secrets {
                secrets.push((format!("{table}.bound_secrets[{index}].secrets.{key}"), secret));
            }
        }
        for (key, webhook) in &mut self.webhook_keys {
            secrets.extend(webhook.secrets_mut(&format!("{table}.webhook_keys.{key}")));
        }
        secrets
    }
}

/// Flattens `{ columns = { id = "Id" }, top = 5 }` into `columns.id` and `top`, with strings as values.
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
                return Err(format!("setting `{key}` is a list; write it as a string"));
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
