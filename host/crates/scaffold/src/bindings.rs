//! Writes bindings for languages whose toolchains have no generator.
//!
//! wit-bindgen generates the bindings for C and Go. This crate has its own generator for TypeScript, since other
//! generators declare values differently from the way QuickJS passes them.

use std::path::Path;

use wit_bindgen_core::Files as Generated;

use super::embedded::GO_PACKAGE;
use super::files::{Files, write_changed};
use super::{World, typescript};

/// Name of the module that Go bindings import. Its folder is written next to the bindings.
const GO_PACKAGE_NAME: &str = "go.bytecodealliance.org/pkg";
const GO_PACKAGE_FOLDER: &str = "wit_package";

/// The language of bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Bindings {
    /// A header, a source and an object file with the world
    C,
    /// A module with a package for each interface
    Go,
    /// Declarations for QuickJS
    #[value(name = "typescript")]
    TypeScript,
}

/// Writes bindings into a folder, and overwrites existing bindings.
pub fn write_bindings(language: Bindings, world: &World, folder: &Path) -> anyhow::Result<()> {
    let (mut resolve, id) = world.resolve()?;
    let mut generated = Generated::default();
    match language {
        Bindings::C => wit_bindgen_c::Opts::default().build().generate(&mut resolve, id, &mut generated)?,
        Bindings::Go => {
            // The output must not depend on an installed formatter.
            let options =
                wit_bindgen_go::Opts { format: wit_bindgen_go::Format::False, quiet: true, ..Default::default() };
            options.build().generate(&mut resolve, id, &mut generated)?;
        }
        Bindings::TypeScript => generated.push("frontgate.d.ts", typescript::declarations(&resolve, id)?.as_bytes()),
    }
    let mut files: Files = generated.iter().map(|(path, text)| (path.into(), text.to_vec())).collect();
    if language == Bindings::Go {
        if let Some(exports) = files.get_mut(Path::new("wit_exports.go")) {
            *exports = round_up_go_return_area(&String::from_utf8_lossy(exports)).into();
        }
        files.extend(go_package());
        files.insert("go.mod".into(), go_module().into());
        // Keep an existing `go.mod`, which the author may have changed.
        files.retain(|path, _| path != Path::new("go.mod") || !folder.join(path).exists());
    }
    write_changed(folder, &files)
}

/// Rounds the size of the area for results up to its alignment. The generator takes the largest size and the largest
/// alignment of all results, and `Allocate` panics if they do not fit together.
fn round_up_go_return_area(exports: &str) -> String {
    const ALLOCATE: &str = "witRuntime.Allocate(&staticPinner, ";
    let line = |line: &str| {
        let (start, rest) = line.split_once(ALLOCATE)?;
        let (arguments, end) = rest.split_once("))")?;
        let (size, align) = arguments.rsplit_once(", ")?;
        Some(format!("{start}{ALLOCATE}({size}+{align}-1)/{align}*{align}, {align})){end}"))
    };
    exports.split_inclusive('\n').map(|text| line(text).unwrap_or_else(|| text.to_owned())).collect()
}

/// Returns the files of the module that Go bindings import, so that it need not be downloaded.
fn go_package() -> Files {
    GO_PACKAGE.iter().map(|(path, text)| (Path::new(GO_PACKAGE_FOLDER).join(path), (*text).into())).collect()
}

/// Returns the `go.mod` of the bindings. The generator's `go.mod` has an older Go version than the module needs.
fn go_module() -> String {
    let package = GO_PACKAGE.iter().find(|(path, _)| *path == "go.mod").map(|(_, text)| *text).unwrap_or_default();
    let version = package.lines().find(|line| line.starts_with("go ")).unwrap_or_default();
    let requirement = wit_bindgen_go::remote_pkg_version();
    format!(
        "\
module wit_component

{version}

require {requirement}

// The published source, kept here so that nothing is downloaded.
replace {GO_PACKAGE_NAME} => ./{GO_PACKAGE_FOLDER}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_for_results_in_go_has_a_multiple_of_its_alignment() {
        let area = "var area = uintptr(witRuntime.Allocate(&staticPinner, (21*4), 8))\nvar b = 1\n";
        let rounded = "var area = uintptr(witRuntime.Allocate(&staticPinner, ((21*4)+8-1)/8*8, 8))\nvar b = 1\n";
        assert_eq!(round_up_go_return_area(area), rounded);
    }
}
