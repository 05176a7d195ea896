//! The types of a contract: interfaces that a component or a world imports and exports.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, bail};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedTypeId, ComponentEntityType, ComponentInstanceTypeId, ComponentItem,
};
use wasmparser::types::Types;
use wasmparser::{Parser, Payload, ValidPayload, Validator};

use super::FEATURES;
use super::{CONTRACT, VERSION, line};

/// Maximum number of imports, or of exports, of one component. The contract and WASI together have about sixty.
const NAMES_MAX: usize = 1_000;
/// Maximum length of an import or export name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Custom section with the version of the SDK, and the maximum number of bytes that are read from the section.
const SDK_SECTION: &str = "frontgate-sdk";
const SDK_BYTES_MAX: usize = 64;

/// Interfaces by full name, such as `frontgate:plugin/crm@0.1.0`.
pub(super) struct ContractTypes {
    pub(super) types: Types,
    pub(super) imports: BTreeMap<String, ComponentInstanceTypeId>,
    pub(super) exports: BTreeMap<String, ComponentInstanceTypeId>,
    /// Interface and name of each type. The key is the type at the end of the alias chain.
    names: HashMap<ComponentDefinedTypeId, (String, String)>,
}

impl ContractTypes {
    /// Reads the types of a component, and the SDK version that the component names.
    pub(super) fn of_component(wasm: &[u8]) -> anyhow::Result<(Self, Option<String>)> {
        let mut validator = Validator::new_with_features(FEATURES);
        let (mut imports, mut exports, mut sdk) = (Vec::new(), Vec::new(), None);
        // 1 inside the component itself, higher inside nested components and modules.
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.context("it does not compile")?;
            match &payload {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section.clone() {
                        push(&mut imports, import.context("it does not compile")?.name.name)?;
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section.clone() {
                        push(&mut exports, export.context("it does not compile")?.name.name)?;
                    }
                }
                Payload::CustomSection(section) if section.name() == SDK_SECTION && sdk.is_none() => {
                    sdk = version(section.data());
                }
                _ => {}
            }
            if let ValidPayload::End(types) = validator.payload(&payload).context("it does not compile")?
                && depth == 0
            {
                let import = |name: &String| types.component_item_for_import(name).copied_instance();
                let export = |name: &String| types.component_item_for_export(name).copied_instance();
                let imported = instances(&imports, import);
                let exported = instances(&exports, export);
                let order: Vec<_> = imports.iter().chain(&exports).cloned().collect();
                return Ok((Self::new(types, &order, imported, exported), sdk));
            }
        }
        bail!("it does not compile: unexpected end of file")
    }

    /// Reads the description of a world that `bindgen` embeds.
    pub(super) fn of_world(described: &[u8]) -> anyhow::Result<Self> {
        let types = Validator::new_with_features(FEATURES).validate_all(described)?;
        let names = Parser::new(0).parse_all(described).filter_map(|payload| match payload {
            Ok(Payload::ComponentExportSection(section)) => section.into_iter().next()?.ok(),
            _ => None,
        });
        // The last export is the type that wraps the world.
        let name = names.last().context("it exports nothing")?.name.name;
        let mut item = types.component_item_for_export(name).context("it exports nothing")?;
        loop {
            let id = match item.ty {
                ComponentEntityType::Component(id)
                | ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } => id,
                _ => bail!("it describes no world"),
            };
            let world = &types[id];
            if world.imports.is_empty() {
                item = world.exports.values().next().context("the world is empty")?;
                continue;
            }
            let order: Vec<_> = world.imports.keys().chain(world.exports.keys()).cloned().collect();
            let all = |items: &mut dyn Iterator<Item = (&String, &ComponentItem)>| {
                items.filter_map(|(name, item)| Some((name.clone(), Some(item).copied_instance()?))).collect()
            };
            let (imports, exports) = (all(&mut world.imports.iter()), all(&mut world.exports.iter()));
            return Ok(Self::new(types, &order, imports, exports));
        }
    }

    fn new(
        types: Types,
        order: &[String],
        imports: BTreeMap<String, ComponentInstanceTypeId>,
        exports: BTreeMap<String, ComponentInstanceTypeId>,
    ) -> Self {
        let mut names = HashMap::new();
        let mut ends = HashMap::new();
        for interface in order.iter().filter(|name| name.starts_with(CONTRACT)) {
            let Some(id) = imports.get(interface).or_else(|| exports.get(interface)) else { continue };
            for (name, item) in &types[*id].exports {
                if let ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(id), .. } = item.ty {
                    let end = end_of_chain(&types, id, &mut ends);
                    names.entry(end).or_insert_with(|| (short(interface).to_owned(), name.clone()));
                }
            }
        }
        Self { types, imports, exports, names }
    }

    /// Returns the names of the functions of an interface.
    pub(super) fn functions(&self, id: ComponentInstanceTypeId) -> Vec<&str> {
        let items = self.types[id].exports.iter();
        items
            .filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Returns the interface and name of a type; `None` for an anonymous type.
    pub(super) fn name(&self, id: ComponentDefinedTypeId) -> Option<&(String, String)> {
        self.names.get(&resolve(&self.types, id)?)
    }

    /// Returns the contract version of the interfaces. If there are several, prefers one that differs from the
    /// gateway's.
    pub(super) fn version(&self) -> Option<String> {
        let names = self.exports.keys().chain(self.imports.keys()).filter(|name| name.starts_with(CONTRACT));
        let versions: Vec<&str> = names.filter_map(|name| Some(name.split_once('@')?.1)).collect();
        let other = versions.iter().find(|version| line(version) != line(VERSION));
        other.or(versions.first()).map(|version| (*version).to_owned())
    }
}

/// Maximum length of an alias chain: each `use` adds one alias. Plugins have fewer than ten.
const CHAIN_MAX: usize = 1_000;

/// Follows a chain of aliases to its end; `None` if the chain is too long.
fn resolve(types: &Types, mut id: ComponentDefinedTypeId) -> Option<ComponentDefinedTypeId> {
    for _ in 0..CHAIN_MAX {
        match types.peel_alias(id) {
            Some(earlier) => id = earlier,
            None => return Some(id),
        }
    }
    None
}

/// Returns the end of an alias chain. Caches the end of each link in `ends`, since many chains share links.
fn end_of_chain(
    types: &Types,
    id: ComponentDefinedTypeId,
    ends: &mut HashMap<ComponentDefinedTypeId, ComponentDefinedTypeId>,
) -> ComponentDefinedTypeId {
    let (mut end, mut passed) = (id, Vec::new());
    loop {
        if let Some(known) = ends.get(&end) {
            end = *known;
            break;
        }
        passed.push(end);
        match types.peel_alias(end) {
            Some(earlier) => end = earlier,
            None => break,
        }
    }
    for link in passed {
        ends.insert(link, end);
    }
    end
}

/// Returns the name of an interface without its version.
pub(super) fn stem(name: &str) -> &str {
    name.split_once('@').map_or(name, |(stem, _)| stem)
}

/// Returns the name of an interface without package and version.
pub(super) fn short(name: &str) -> &str {
    let stem = stem(name);
    stem.strip_prefix(CONTRACT).unwrap_or(stem)
}

fn push(names: &mut Vec<String>, name: &str) -> anyhow::Result<()> {
    if names.len() == NAMES_MAX || name.len() > NAME_BYTES_MAX {
        bail!("it imports or exports more than {NAMES_MAX} names, or one of more than {NAME_BYTES_MAX} bytes");
    }
    names.push(name.to_owned());
    Ok(())
}

fn instances(
    names: &[String],
    find: impl Fn(&String) -> Option<ComponentInstanceTypeId>,
) -> BTreeMap<String, ComponentInstanceTypeId> {
    names.iter().filter_map(|name| Some((name.clone(), find(name)?))).collect()
}

/// Returns the first line of the SDK's section, if the line contains only characters that a version can have.
fn version(section: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(section.get(..SDK_BYTES_MAX).unwrap_or(section)).ok()?;
    let line = text.lines().next().unwrap_or_default();
    let plain = line.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
    (plain && !line.is_empty()).then(|| line.to_owned())
}

/// Converts an item to the id of its instance type.
trait CopiedInstance {
    fn copied_instance(self) -> Option<ComponentInstanceTypeId>;
}

impl CopiedInstance for Option<&ComponentItem> {
    fn copied_instance(self) -> Option<ComponentInstanceTypeId> {
        match self?.ty {
            ComponentEntityType::Instance(id) => Some(id),
            _ => None,
        }
    }
}
