//! Secrets by reference: `{ env = "NAME" }` or `{ file = "PATH" }`.
//!
//! The configuration never contains a literal secret, and serializing a secret writes its source. The memory of a
//! secret is erased when the last configuration that contains it is dropped.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_system::process;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::Open;

/// Maximum size of a secret's file in bytes; far larger than any key.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// A secret and its source. Clones share the only copy of the value. `Debug`, `Display` and `Serialize` show the source, never the value.
#[derive(Clone)]
pub struct Secret {
    source: Source,
    /// The value, or the reason why it could not be read.
    value: Result<Arc<Zeroizing<String>>, String>,
}

/// Source of a secret: at least one field is set. The environment variable has precedence over the file.
#[derive(Clone)]
struct Source {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl Secret {
    /// Reads the value from the environment, or from a file that `open` opens.
    ///
    /// Relative paths start at `folder`. Line breaks at the end of a file are not part of the secret.
    pub fn resolve(&mut self, folder: &Path, open: Open) {
        self.value = self.source.read(folder, open).and_then(|value| {
            if value.trim() != value.as_str() {
                return Err(format!("secret ({self}) has leading or trailing whitespace"));
            }
            if value.is_empty() {
                return Err(format!("secret ({self}) is empty"));
            }
            Ok(Arc::new(value))
        });
    }

    /// Replaces the value, for tests that have no real secret.
    pub fn replace(&mut self, value: &str) {
        self.value = Ok(Arc::new(Zeroizing::new(value.to_owned())));
    }

    /// Returns the reason why the value could not be read.
    pub fn error(&self) -> Option<&str> {
        self.value.as_ref().err().map(String::as_str)
    }

    /// Returns the value. Panics if the value could not be read, which cannot happen in a checked configuration.
    pub fn expose(&self) -> &str {
        self.value.as_ref().expect("a checked configuration has read every secret")
    }

    /// Returns a shared reference to the only copy of the value. Panics like [`Secret::expose`].
    pub fn share(&self) -> Arc<Zeroizing<String>> {
        Arc::clone(self.value.as_ref().expect("a checked configuration has read every secret"))
    }
}

impl Source {
    fn read(&self, folder: &Path, open: Open) -> Result<Zeroizing<String>, String> {
        if let Some(value) = self.env.as_deref().and_then(process::variable) {
            return Ok(value);
        }
        let unset = self.env.as_ref().map(|name| format!("the environment variable `{name}` is not set"));
        let Some(path) = &self.file else {
            return Err(unset.unwrap_or_default());
        };
        let text = open(&folder.join(path)).and_then(contents).map_err(|error| {
            let unset = unset.map_or_else(String::new, |unset| format!("{unset}, and "));
            format!("{unset}the file `{}` cannot be read: {error}", path.display())
        })?;
        Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Reads a file into a buffer that never grows: each reallocation would leave a copy of the secret in memory.
fn contents(file: File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX + 1));
    let limit = u64::try_from(FILE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|_| io::Error::other("not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Shows the source, never the value.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source.env, &self.source.file) {
            (Some(name), Some(path)) => write!(f, "env {name} or file {}", path.display()),
            (Some(name), None) => write!(f, "env {name}"),
            (None, path) => write!(f, "file {}", path.as_deref().unwrap_or(Path::new("")).display()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reference;

        impl<'de> Visitor<'de> for Reference {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret by reference, { env = \"NAME\" } or { file = \"PATH\" }")
            }

            /// Rejects a literal without repeating it in the error, because errors are logged.
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Source, E> {
                Err(E::invalid_type(de::Unexpected::Other("a literal"), &self))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Source, M::Error> {
                let mut source = Source { env: None, file: None };
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    match key.as_str() {
                        "env" => source.env = Some(value),
                        "file" => source.file = Some(value.into()),
                        other => return Err(de::Error::unknown_field(other, &["env", "file"])),
                    }
                }
                match source {
                    Source { env: None, file: None } => Err(de::Error::custom("a secret needs `env`, `file` or both")),
                    source => Ok(source),
                }
            }
        }

        Ok(Self { source: input.deserialize_any(Reference)?, value: Err("not read yet".to_owned()) })
    }
}

/// Writes the source, in the notation of the configuration.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let mut map = output.serialize_map(None)?;
        if let Some(name) = &self.source.env {
            map.serialize_entry("env", name)?;
        }
        if let Some(path) = &self.source.file {
            map.serialize_entry("file", path)?;
        }
        map.end()
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "secret",
            "type": "object",
            "properties": {
                "env": { "type": "string", "description": "Name of the environment variable that holds the secret." },
                "file": { "type": "string", "description": "Path of the file that holds the secret." },
            },
            "minProperties": 1,
            "additionalProperties": false,
        })
    }
}

/// Replaces the user and password in a URL by `***`. Returns any other text unchanged.
pub fn mask_user_info(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Cow::Borrowed(text);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://***{}", &rest[at..])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_of_a_url_are_masked() {
        for (text, expected) in [
            ("https://user:word@host/path", "https://***@host/path"),
            ("https://user:w@rd@host", "https://***@host"),
            ("https://token@host?a=b@c", "https://***@host?a=b@c"),
            ("https://host/a@b", "https://host/a@b"),
            ("ana@example.org", "ana@example.org"),
        ] {
            assert_eq!(mask_user_info(text), expected);
        }
    }

    #[test]
    fn an_environment_variable_has_precedence_over_the_file_of_a_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "from the file\n").expect("a file");
        let read = |reference: &str| {
            let mut secret: Secret = toml::from_str(reference).expect("a secret");
            secret.resolve(folder.path(), super::super::open_as_is);
            secret.error().map_or_else(|| Ok(secret.expose().to_owned()), |error| Err(error.to_owned()))
        };
        let path = std::env::var("PATH").expect("PATH is set");
        assert_eq!(read("env = \"PATH\"\nfile = \"secret\""), Ok(path));
        assert_eq!(read("env = \"NOT_SET_ANYWHERE\"\nfile = \"secret\""), Ok("from the file".to_owned()));
        let error = read("env = \"NOT_SET_ANYWHERE\"\nfile = \"nowhere\"").expect_err("neither is there");
        assert!(error.starts_with("the environment variable `NOT_SET_ANYWHERE` is not set, and the file `nowhere`"));
    }

    #[test]
    fn a_secret_shows_its_source_only() {
        let mut secret: Secret = toml::from_str("env = \"PATH\"").expect("a secret");
        secret.resolve(Path::new("."), super::super::open_as_is);
        assert!(!secret.expose().is_empty());
        let serialized = toml::to_string(&secret).expect("a table");
        assert_eq!(serialized, "env = \"PATH\"\n");
        for text in [format!("{secret}"), format!("{secret:?}"), serialized] {
            assert!(text.contains("PATH") && !text.contains(secret.expose()), "{text}");
        }
    }
}
