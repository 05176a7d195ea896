//! Languages and tools that a component names in the `producers` sections of its modules.

use std::collections::BTreeMap;

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

/// Maximum number of names in one file and of versions of each name, and maximum bytes of each text.
const NAMES_MAX: usize = 50;
const BYTES_MAX: usize = 100;

/// Export of the adapter for WASI preview 1, whose `producers` section says nothing about the plugin.
const ADAPTER: &str = "cabi_import_realloc";
/// Languages without a `producers` section, each with the prefix of its runtime's exports.
const RUNTIMES: [(&str, &str); 2] = [("componentize_py_runtime", "Python"), ("componentize_qjs_runtime", "JavaScript")];

type Producers = BTreeMap<String, Vec<String>>;

/// Returns languages and tools of the `producers` sections, with their versions. Skips unreadable parts.
/// [`super::contract_types`] reads the version of frontgate-sdk.
pub(super) fn producers(wasm: &[u8]) -> Producers {
    let (mut found, mut module, mut is_adapter) = (Producers::new(), Producers::new(), false);
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        match payload {
            Payload::ExportSection(exports) => {
                for export in exports.into_iter().map_while(Result::ok) {
                    is_adapter |= export.name == ADAPTER;
                    let runtime = RUNTIMES.iter().find(|(name, _)| export.name.starts_with(name));
                    runtime.map(|(_, language)| module.entry((*language).to_owned()).or_default());
                }
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Producers(fields) = section.as_known() {
                    read(fields, &mut module);
                }
            }
            Payload::End(_) => {
                let module = std::mem::take(&mut module);
                if !std::mem::take(&mut is_adapter) {
                    module.into_iter().for_each(|(name, versions)| add(&mut found, name, versions));
                }
            }
            _ => {}
        }
    }
    found
}

fn read(fields: ProducersSectionReader<'_>, into: &mut Producers) {
    for field in fields.into_iter().map_while(Result::ok) {
        for value in field.values.into_iter().map_while(Result::ok) {
            add(into, short(value.name), vec![short(value.version)]);
        }
    }
}

fn add(into: &mut Producers, name: String, versions: Vec<String>) {
    if into.len() < NAMES_MAX {
        let known = into.entry(name).or_default();
        for version in versions {
            if !version.is_empty() && !known.contains(&version) && known.len() < NAMES_MAX {
                known.push(version);
            }
        }
    }
}

/// Truncates an untrusted text, and replaces control characters.
fn short(text: &str) -> String {
    text[..text.floor_char_boundary(BYTES_MAX)].replace(char::is_control, " ")
}
