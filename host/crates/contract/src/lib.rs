//! What a component says of itself before it is compiled, and where its idea of the contract differs
//! from ours, in words.
//!
//! What is read here was written by a stranger: it happens in a process of its own (`load::child`), after a scan that
//! limits nesting and counts, and with the parser and the WebAssembly proposals of the engine.

pub mod bindings;
mod difference;
pub mod digest;
mod manifest;
mod producers;
mod role;
mod scan;
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use wasmparser::WasmFeatures;

use self::difference::differences;
pub use self::manifest::{Capability, Manifest};
pub use self::role::Role;
use self::side::Side;

/// What every name of the contract begins with.
pub const CONTRACT: &str = "frontgate:plugin/";
/// The version of the contract that this gateway speaks.
pub const VERSION: &str = "0.1.0";

/// The WebAssembly that plugins may use: what the compilers of the six languages emit. Every other proposal is code of
/// parser and compiler that only hostile files would reach.
pub const FEATURES: WasmFeatures =
    WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST).union(WasmFeatures::COMPONENT_MODEL);

/// The contract that this gateway was built with.
static OURS: LazyLock<Side> =
    LazyLock::new(|| Side::of_world(bindings::COMPONENT_TYPE).expect("bindgen described its own world"));

/// What a component says of itself, and why a gateway would not load it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    /// For receipts, lists and the lock.
    pub manifest: Manifest,
    /// The version of the contract that it was built with, if it names one.
    pub contract: Option<String>,
    /// Where its idea of the contract is not ours.
    pub misfit: Option<String>,
    /// Languages and tools that it names, each with its versions.
    pub made_with: BTreeMap<String, Vec<String>>,
}

impl Description {
    /// Reads a whole component, but for its functions' bodies.
    pub fn of(wasm: &[u8]) -> anyhow::Result<Self> {
        let component = Component::parse(wasm)?;
        let (misfit, made_with) = (component.misfit(), producers::producers(wasm));
        Ok(Self { manifest: component.manifest, contract: component.version, misfit, made_with })
    }
}

/// What a description depends on beside the component and the engine: it changes with the contract.
pub const DESCRIBED_BY: &[u8] = bindings::COMPONENT_TYPE;

/// A component that was parsed.
struct Component {
    manifest: Manifest,
    version: Option<String>,
    side: Side,
}

impl Component {
    /// Parses a whole component, but for its functions' bodies.
    fn parse(wasm: &[u8]) -> anyhow::Result<Self> {
        scan::scan(wasm)?;
        let (side, sdk) = Side::of_component(wasm)?;
        let manifest = Manifest {
            bytes: wasm.len(),
            sdk,
            roles: roles(&side),
            imports: side.imports.keys().cloned().collect(),
            capabilities: side.imports.iter().filter_map(|(name, id)| Capability::of(name, &side, *id)).collect(),
        };
        Ok(Self { manifest, version: side.version(), side })
    }

    /// Why it cannot be linked, if its idea of the contract is not ours.
    fn misfit(&self) -> Option<String> {
        let found = differences(&OURS, &self.side);
        if found.is_empty() {
            return None;
        }
        let built = self.version.clone().unwrap_or_else(|| "an unknown version".to_owned());
        let remedy = if built == VERSION {
            format!(
                "it was built with another {VERSION} than this gateway's; rebuild it with this gateway's frontgate-sdk"
            )
        } else {
            let newer = semver(&built) > semver(VERSION);
            let or = if newer { ", or run a newer gateway" } else { "" };
            format!(
                "built with {built}, this gateway takes {VERSION}; rebuild it with frontgate-sdk {}{or}",
                line(VERSION)
            )
        };
        Some(format!("{}: {remedy}", found.join("; ")))
    }
}

/// The roles whose interfaces it exports, in whatever version.
fn roles(side: &Side) -> BTreeSet<String> {
    let exported = |role: &Role| side.exports.keys().any(|name| side::stem(name) == format!("{CONTRACT}{role}"));
    Role::ALL.into_iter().filter(exported).map(|role| role.name().to_owned()).collect()
}

/// The part of a version within which names are looked up alike.
fn line(version: &str) -> &str {
    match version.split_once('.') {
        Some(("0", _)) => version.rsplit_once('.').map_or(version, |(line, _)| line),
        Some((major, _)) => major,
        None => version,
    }
}

/// Numbers that compare as versions do.
fn semver(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
