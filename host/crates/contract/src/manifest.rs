//! The part of a component's description that records keep: size, SDK, roles, imports, capabilities.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use wasmparser::component_types::ComponentInstanceTypeId;

use super::CONTRACT;
use super::contract_types::{ContractTypes, stem};

/// Declarations of a component.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Size of the file.
    pub bytes: usize,
    /// Version of the SDK that it was built with, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Whether `frontgate plugin test` marked it as reusable.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reusable: bool,
    /// Roles that it exports.
    pub roles: BTreeSet<String>,
    /// Interfaces that it imports.
    pub imports: BTreeSet<String>,
    /// Capabilities that these imports need.
    pub capabilities: BTreeSet<Capability>,
}

/// Access to something outside the component, which the operator grants.
///
/// Settings, log, clocks, randomness, standard output and the environment are not capabilities: they show nothing but the
/// plugin's own data, and Rust's std imports most of them for every plugin. Sockets are never granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to other hosts.
    Http,
    /// Key-value state that outlives the call.
    State,
    /// Files of a granted folder.
    Files,
    /// The tenant's CRM.
    Directory,
    /// Changes to conversations.
    Actions,
}

impl Capability {
    /// Returns the capability that an imported interface needs; `None` if only its types are imported.
    pub(super) fn of(name: &str, types: &ContractTypes, id: ComponentInstanceTypeId) -> Option<Self> {
        let functions = types.functions(id);
        if functions.is_empty() {
            return None;
        }
        let stem = stem(name);
        match stem.strip_prefix(CONTRACT) {
            Some("http-client") => Some(Self::Http),
            Some("state") => Some(Self::State),
            Some("directory") => Some(Self::Directory),
            Some("actions") => Some(Self::Actions),
            Some(_) => None,
            None if stem == "wasi:http/outgoing-handler" || stem == "wasi:http/client" => Some(Self::Http),
            None if stem.starts_with("wasi:keyvalue/") => Some(Self::State),
            // Only `open-at` needs a grant: a component that does not import it cannot open any file.
            None if stem.starts_with("wasi:filesystem/") => {
                functions.iter().any(|function| function.ends_with(".open-at")).then_some(Self::Files)
            }
            None => None,
        }
    }
}

impl Capability {
    /// Returns the key of `[plugins.named.NAME]` that grants the capability; `None` if every plugin has it.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Http => Some("outbound"),
            Self::State => Some("state"),
            Self::Files => Some("files"),
            Self::Actions => Some("actions"),
            Self::Directory => None,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "outbound HTTP",
            Self::State => "key-value state",
            Self::Files => "files",
            Self::Directory => "the customer directory",
            Self::Actions => "actions on conversations",
        })
    }
}
