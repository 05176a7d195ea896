//! `webhook_keys` of `[plugins.named.NAME]`: keys that verify providers' webhooks.
//!
//! The gateway verifies on behalf of the plugin, which never sees a key.

use std::borrow::Cow;
use std::fmt;

use frontgate_settings::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Maximum number of secrets of one key: the current one and those of a rotation. Each costs one hash per check.
pub const SECRETS_MAX: usize = 4;

/// One key: a secret, or a list of them during a rotation.
#[derive(Debug)]
pub struct WebhookKey(Vec<Secret>);

impl WebhookKey {
    /// Returns the secrets that the provider may sign with.
    pub fn secrets(&self) -> &[Secret] {
        &self.0
    }

    /// Returns every secret with its key in the configuration.
    pub fn secrets_mut(&mut self, key: &str) -> Vec<(String, &mut Secret)> {
        let name = |index| format!("{key}[{index}]");
        match self.0.as_mut_slice() {
            [only] => vec![(key.to_owned(), only)],
            several => several.iter_mut().enumerate().map(|(index, secret)| (name(index), secret)).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for WebhookKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Vec<Secret>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret by reference, { env = \"NAME\" } or { file = \"PATH\" }, or a list of them")
            }

            /// Rejects a literal with the message of every other secret.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Secret>, E> {
                Secret::deserialize(StrDeserializer::new(text)).map(|secret| vec![secret])
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Vec<Secret>, M::Error> {
                Ok(vec![Secret::deserialize(MapAccessDeserializer::new(map))?])
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Vec<Secret>, S::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = list.next_element()? {
                    secrets.push(secret);
                }
                Ok(secrets)
            }
        }

        Ok(Self(input.deserialize_any(OneOrMore)?))
    }
}

impl Serialize for WebhookKey {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.serialize(output),
            several => several.serialize(output),
        }
    }
}

impl JsonSchema for WebhookKey {
    fn schema_name() -> Cow<'static, str> {
        "WebhookKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "secret or list of secrets",
            "anyOf": [generator.subschema_for::<Secret>(), generator.subschema_for::<Vec<Secret>>()],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_key_is_one_secret_or_a_list_of_them() {
        let text = "one = { env = \"A\" }\nseveral = [{ env = \"A\" }, { file = \"b\" }]";
        let mut keys: BTreeMap<String, WebhookKey> = toml::from_str(text).expect("two keys");
        let mut named = |key: &str| -> Vec<String> {
            let key = keys.get_mut(key).expect("it is there").secrets_mut(key);
            key.into_iter().map(|(name, secret)| format!("{name} {secret}")).collect()
        };
        assert_eq!(named("one"), ["one env A"]);
        assert_eq!(named("several"), ["several[0] env A", "several[1] file b"]);
    }

    #[test]
    fn a_literal_is_refused_without_repeating_it() {
        for text in ["key = \"planted\"", "key = [\"planted\"]", "key = { value = \"planted\" }"] {
            let refused = toml::from_str::<BTreeMap<String, WebhookKey>>(text).expect_err("a literal");
            assert!(!refused.message().contains("planted"), "{}", refused.message());
        }
    }
}
