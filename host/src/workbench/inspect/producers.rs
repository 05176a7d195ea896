//! What tools leave in a file about themselves: the `producers` sections of its modules.

use std::collections::BTreeMap;

use wasmparser::{KnownCustom, Parser, Payload};

/// Names and versions that are kept of one file, and bytes of each.
const NAMES_MAX: usize = 50;
const BYTES_MAX: usize = 100;

/// Languages, tools and SDKs, each with its versions. What cannot be read is left out.
pub(super) fn producers(wasm: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                if found.len() < NAMES_MAX {
                    let versions = found.entry(short(value.name)).or_default();
                    let version = short(value.version);
                    if !version.is_empty() && !versions.contains(&version) && versions.len() < NAMES_MAX {
                        versions.push(version);
                    }
                }
            }
        }
    }
    found
}

/// Strangers wrote it.
fn short(text: &str) -> String {
    text[..text.floor_char_boundary(BYTES_MAX)].replace(char::is_control, " ")
}
