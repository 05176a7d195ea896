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
        files.extend(go_package());
        files.insert("go.mod".into(), go_module().into());
        // Keep an existing `go.mod`, which the author may have changed.
        files.retain(|path, _| path != Path::new("go.mod") || !folder.join(path).exists());
    }
    write_changed(folder, &files)
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
