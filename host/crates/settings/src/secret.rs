//! Secrets by reference: `{ env = "NAME" }`, `{ file = "PATH" }` or both, never a literal. Memory is erased when
//! the last configuration with the secret is dropped.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_system::process;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::Open;

/// Bytes of a secret's file: far more than any key has.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// A secret, which no derive and no log line prints.
pub struct Secret {
    source: Source,
    /// What stands at the source, or why it could not be read.
    value: Result<Arc<Zeroizing<String>>, String>,
}

/// At least one of both. The environment variable has precedence over the file.
struct Source {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl Secret {
    /// Reads the secret from the environment, or from a file that `open` opens. The last line break of a file is not
    /// part of the secret.
    pub fn resolve(&mut self, folder: &Path, open: Open) {
        self.value = self.source.read(folder, open).and_then(|value| {
            if value.trim() != value.as_str() {
                return Err(format!("the secret at {self} has white space around it"));
            }
            if value.is_empty() {
                return Err(format!("the secret at {self} is empty"));
            }
            Ok(Arc::new(value))
        });
    }

    /// Puts a made-up value in its place, for tests of a plugin.
    pub fn stand_in(&mut self, value: &str) {
        self.value = Ok(Arc::new(Zeroizing::new(value.to_owned())));
    }

    /// Why there is no value, if there is none.
    pub fn fault(&self) -> Option<&str> {
        self.value.as_ref().err().map(String::as_str)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.value.as_ref().expect("a checked configuration has read every secret")
    }

    /// Returns the value for a holder that keeps it. Memory holds one copy of it.
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

/// Reads a file into a buffer that never grows, since each reallocation would leave a copy.
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

/// Where the secret stands, never what it is.
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

            /// A literal is refused without repeating it: error messages end up in logs.
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
                    Source { env: None, file: None } => Err(de::Error::custom("a secret names `env`, `file` or both")),
                    source => Ok(source),
                }
            }
        }

        Ok(Self { source: input.deserialize_any(Reference)?, value: Err("not read yet".to_owned()) })
    }
}
