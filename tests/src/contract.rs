//! Builds components against a changed contract, like plugins of another version.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::root;

/// Builds a plugin for the role `crm` against a contract whose files `edit` has changed. The plugin starts, and traps
/// at every call.
pub fn built_against(edit: impl Fn(&str) -> String) -> Vec<u8> {
    let folder = tempfile::TempDir::new().expect("a folder");
    for entry in std::fs::read_dir(root().join("wit")).expect("the contract").flatten() {
        if entry.path().is_file() {
            let text = std::fs::read_to_string(entry.path()).expect("WIT");
            std::fs::write(folder.path().join(entry.file_name()), edit(&text)).expect("a file");
        }
    }
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder.path()).expect("the contract is WIT");
    let world = resolve.select_world(&[package], Some("crm-plugin")).expect("a world");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("a module");
    ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode()).expect("a component")
}
