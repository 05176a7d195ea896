//! `[plugins.named.NAME]`: settings and grants of one plugin.

use std::collections::BTreeMap;
use std::path::PathBuf;

use frontgate_settings::Secret;
use frontgate_state::settings::StateGrant;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::LimitOverrides;
use super::oauth::Oauth;
use super::outbound::BoundSecret;
use super::webhooks::WebhookKey;

/// Settings and grants of one plugin. `NAME` is its file name without `.wasm`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// Settings that the plugin reads through `settings` or `wasi:config`. Keys of nested tables are joined by dots.
    #[serde(deserialize_with = "flat")]
    #[schemars(schema_with = "free_form")]
    pub config: BTreeMap<String, String>,
    /// Settings whose values are secrets. The plugin reads them like those of `config`.
    pub secrets: BTreeMap<String, Secret>,
    /// Folder that the plugin may read as `/`. Without it, the plugin can open no file.
    pub files: Option<PathBuf>,
    /// Concurrent calls of the plugin. Default: `plugins.calls_per_plugin_max`.
    #[schemars(range(min = 1, max = 4_096))]
    pub calls_max: Option<u32>,
    /// Lifetime of the plugin's instances: `"tested"`, `"fresh"`, or `"reused"`, also without a mark. Default:
    /// `plugins.instances`.
    #[schemars(extend("x-restart" = "when raised"))]
    pub instances: Option<Instances>,
    /// Whether a large file is compiled by the fast compiler first, which suits JavaScript and Python. That compiler has
    /// had more security faults, so leave it off for plugins of untrusted authors.
    pub quick_build: bool,
    /// Sites that the plugin may call: scheme, host and port, such as `https://api.example.com`. `https://*.` matches
    /// all hosts below a name.
    pub outbound: Vec<String>,
    /// Private networks, such as `10.0.0.0/8`, in which those hosts may be. Metadata services and the gateway itself
    /// are never reachable.
    pub outbound_networks: Vec<String>,
    /// Secrets that the gateway adds to the plugin's requests. The plugin never sees them.
    pub bound_secrets: Vec<BoundSecret>,
    /// Keys that the gateway verifies webhooks with. The plugin never sees them. During a rotation, a key is a list.
    pub webhook_keys: BTreeMap<String, WebhookKey>,
    /// Whether the plugin may store state: `true`, `false`, or a table with limits that differ.
    #[schemars(extend("x-keys-of" = "plugins.state"))]
    pub state: StateGrant,
    /// Whether the plugin may change conversations in Twilio: post messages, change names, attributes, state and timers, add
    /// and remove participants, transfer to another worker.
    pub actions: bool,
    /// Limits that differ from `[plugins.limits]`.
    #[schemars(extend("x-keys-of" = "plugins.limits"))]
    pub limits: LimitOverrides,
}

impl Named {
    /// Returns every secret with its key, below the key of the plugin's table.
    pub fn secrets_mut(&mut self, table: &str) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (key, secret) in &mut self.secrets {
            secrets.push((format!("{table}.secrets.{key}"), secret));
        }
        for (index, bound) in self.bound_secrets.iter_mut().enumerate() {
            for (key, secret) in &mut bound.secrets {
                secrets.push((format!("{table}.bound_secrets[{index}].secrets.{key}"), secret));
            }
            for (key, secret) in bound.oauth.iter_mut().flat_map(Oauth::secrets_mut) {
                secrets.push((format!("{table}.bound_secrets[{index}].oauth.{key}"), secret));
            }
        }
        for (key, webhook) in &mut self.webhook_keys {
            secrets.extend(webhook.secrets_mut(&format!("{table}.webhook_keys.{key}")));
        }
        secrets
    }
}

/// Lifetime of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Instances {
    /// Several calls of one tenant if `frontgate plugin test` marked the file as reusable, otherwise one call.
    #[default]
    Tested,
    /// One call: calls share nothing.
    Fresh,
    /// Several calls of one tenant, at the operator's own risk.
    Reused,
}

/// Flattens `{ columns = { id = "Id" }, top = 5 }` to `columns.id` and `top`, with values as text.
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
                return Err(format!("setting `{key}`: lists are not supported; write one string"));
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

/// The schema of settings that only the plugin knows.
fn free_form(_: &mut SchemaGenerator) -> Schema {
    let types = ["string", "integer", "number", "boolean", "object"];
    json_schema!({ "type": "object", "additionalProperties": { "type": types } })
}
