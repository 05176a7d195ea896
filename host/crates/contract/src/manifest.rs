//! What is kept of a component's description: size, roles, imports, the SDK's version.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use wasmparser::component_types::ComponentInstanceTypeId;

use super::CONTRACT;
use super::side::{Side, stem};

/// What a component says of itself.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Size of the file.
    pub bytes: usize,
    /// Version of the SDK that it was built with, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Roles that it answers.
    pub roles: BTreeSet<String>,
    /// Interfaces that it imports.
    pub imports: BTreeSet<String>,
    /// What it reaches beyond itself through them.
    pub capabilities: BTreeSet<Capability>,
}

/// Something beyond itself that a component can reach only through the gateway. Settings, log, clocks,
/// randomness, standard output and the environment are none: what they show is this plugin's anyway, and
/// Rust's std imports most of them for a plugin that does nothing. Sockets are none: nobody gets any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to other hosts.
    Http,
    /// A store that outlives the call.
    State,
    /// Files of the folder that it was granted.
    Files,
    /// The tenant's CRM.
    Directory,
}

impl Capability {
    /// What an imported interface stands for. One that is imported for its types alone stands for nothing.
    pub(super) fn of(name: &str, side: &Side, id: ComponentInstanceTypeId) -> Option<Self> {
        let functions = side.functions(id);
        if functions.is_empty() {
            return None;
        }
        let stem = stem(name);
        match stem.strip_prefix(CONTRACT) {
            Some("http-client") => Some(Self::Http),
            Some("state") => Some(Self::State),
            Some("directory") => Some(Self::Directory),
            Some(_) => None,
            None if stem == "wasi:http/outgoing-handler" || stem == "wasi:http/client" => Some(Self::Http),
            None if stem.starts_with("wasi:keyvalue/") => Some(Self::State),
            // Whoever opens no file has none: what is granted is a folder.
            None if stem.starts_with("wasi:filesystem/") => {
                functions.iter().any(|function| function.ends_with(".open-at")).then_some(Self::Files)
            }
            None => None,
        }
    }
}

impl Capability {
    /// The key under `[plugins.named.NAME]` that grants it; none for what every plugin has.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Http => Some("outbound"),
            Self::State => Some("state"),
            Self::Files => Some("files"),
            Self::Directory => None,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "outbound HTTP",
            Self::State => "a store",
            Self::Files => "files",
            Self::Directory => "the directory",
        })
    }
}
