//! What a component says of itself before it is compiled, and where its idea of the contract differs
//! from ours, in words.
//!
//! What is read here was written by a stranger: every payload is validated by the parser that wasmtime
//! itself uses, function bodies are left to the compiler's own process, and lengths have limits.

mod difference;
mod manifest;
mod side;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use self::difference::differences;
pub use self::manifest::{Capability, Manifest};
use self::side::Side;
use crate::bindings;
use crate::config::Role;

/// What every name of the contract begins with.
pub(super) const CONTRACT: &str = "frontgate:plugin/";
/// The version of the contract that this gateway speaks.
pub(super) const VERSION: &str = "0.1.0";

/// The contract that this gateway was built with.
static OURS: LazyLock<Side> =
    LazyLock::new(|| Side::of_world(bindings::COMPONENT_TYPE).expect("bindgen described its own world"));

/// A component that was parsed.
pub(super) struct Component {
    /// For receipts, lists and the lock.
    pub(super) manifest: Manifest,
    /// The version of the contract that it was built with, if it names one.
    pub(super) version: Option<String>,
    side: Side,
}

impl Component {
    /// Parses a whole component, but for its functions' bodies.
    pub(super) fn parse(wasm: &[u8]) -> anyhow::Result<Self> {
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
    pub(super) fn misfit(&self) -> Option<String> {
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
