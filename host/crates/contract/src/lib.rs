//! The contract between gateway and plugins: generated bindings, and the description of a component before it is
//! compiled.
//!
//! - [`bindings`] are the types and functions of `wit/`.
//! - [`Description`] contains the declarations of a component, and describes incompatibilities with the contract.
//! - [`mark`] marks components that `frontgate plugin test` found reusable.
//! - [`Role`], [`Manifest`] and [`digest::Digest`] identify what a plugin does and which version it is.
//!
//! The crate runs no component. The files are untrusted: the gateway reads them in a child process only, after a scan
//! that limits nesting and counts, with the parser and the WebAssembly features of the engine. See "Flow of a reload"
//! in ARCHITECTURE.md.

pub mod bindings;
mod contract_types;
mod difference;
pub mod digest;
pub mod json;
mod login_step;
mod manifest;
pub mod mark;
mod producers;
mod requested_action;
mod role;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use wasmparser::WasmFeatures;

use self::contract_types::{ContractTypes, stem};
use self::difference::differences;
pub use self::login_step::invalid_step;
pub use self::manifest::{Capability, Manifest};
pub use self::requested_action::RequestedAction;
pub use self::role::Role;

/// Prefix of every interface name of the contract.
pub const CONTRACT: &str = "frontgate:plugin/";
/// The version of the contract that this gateway implements.
pub const VERSION: &str = "0.1.0";

/// WebAssembly features that plugins may use: those that the compilers of the six supported languages emit. Any other
/// feature would only expose more parser and compiler code to hostile files.
pub const FEATURES: WasmFeatures =
    WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST).union(WasmFeatures::COMPONENT_MODEL);

/// The contract that this gateway was built with.
static OURS: LazyLock<ContractTypes> =
    LazyLock::new(|| ContractTypes::of_world(bindings::COMPONENT_TYPE).expect("bindgen described its own world"));

/// Declarations of a component, and why the gateway cannot load it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    /// Size, roles, imports and capabilities.
    pub manifest: Manifest,
    /// Version of the contract that the component was built with, if it names one.
    pub contract: Option<String>,
    /// Where it is incompatible with this gateway's contract.
    pub incompatibility: Option<String>,
    /// Languages and tools that the component names, with their versions.
    pub made_with: BTreeMap<String, Vec<String>>,
}

impl Description {
    /// Describes a component, ignoring function bodies. Fails if the file is not a valid component.
    pub fn of(wasm: &[u8]) -> anyhow::Result<Self> {
        let component = Component::parse(wasm)?;
        let (incompatibility, made_with) = (component.incompatibility(), producers::producers(wasm));
        Ok(Self { manifest: component.manifest, contract: component.version, incompatibility, made_with })
    }
}

/// The contract in binary form. Caches of descriptions use it in their keys.
pub const DESCRIBED_BY: &[u8] = bindings::COMPONENT_TYPE;

/// A parsed component.
struct Component {
    manifest: Manifest,
    version: Option<String>,
    types: ContractTypes,
}

impl Component {
    /// Parses a component, ignoring function bodies.
    fn parse(wasm: &[u8]) -> anyhow::Result<Self> {
        scan::scan(wasm)?;
        let (types, sdk) = ContractTypes::of_component(wasm)?;
        let manifest = Manifest {
            bytes: wasm.len(),
            sdk,
            reusable: mark::is_marked(wasm),
            roles: roles(&types),
            imports: types.imports.keys().cloned().collect(),
            capabilities: types.imports.iter().filter_map(|(name, id)| Capability::of(name, &types, *id)).collect(),
        };
        Ok(Self { manifest, version: types.version(), types })
    }

    /// Describes how the component's types differ from the contract, and the fix. `None` if the component can be
    /// linked.
    fn incompatibility(&self) -> Option<String> {
        let found = differences(&OURS, &self.types);
        if found.is_empty() {
            return None;
        }
        let built = self.version.clone().unwrap_or_else(|| "an unknown version".to_owned());
        let remedy = if built == VERSION {
            format!(
                "built with a contract {VERSION} that differs from this gateway's; rebuild it with this gateway's frontgate-sdk"
            )
        } else {
            let newer = semver(&built) > semver(VERSION);
            let or = if newer { ", or run a newer gateway" } else { "" };
            format!(
                "built for contract {built}, this gateway supports {VERSION}; rebuild the plugin with frontgate-sdk \
                 {}{or}",
                line(VERSION)
            )
        };
        Some(format!("contract mismatch: {}: {remedy}", found.join("; ")))
    }
}

/// Returns the roles whose interfaces a component exports, in any version.
fn roles(types: &ContractTypes) -> BTreeSet<String> {
    let exported = |role: &Role| types.exports.keys().any(|name| stem(name) == format!("{CONTRACT}{role}"));
    Role::ALL.into_iter().filter(exported).map(|role| role.name().to_owned()).collect()
}

/// Returns the part of a version that the linker compares: `0.1` for `0.1.3`, `2` for `2.4.0`.
fn line(version: &str) -> &str {
    match version.split_once('.') {
        Some(("0", _)) => version.rsplit_once('.').map_or(version, |(line, _)| line),
        Some((major, _)) => major,
        None => version,
    }
}

/// Returns the numbers of a version, for comparison.
fn semver(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
