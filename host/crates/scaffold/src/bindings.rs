//! Bindings for languages whose toolchains have no generator of their own: by those of wit-bindgen, and, for
//! TypeScript, by one that knows how QuickJS passes values.

use std::path::Path;

use wit_bindgen_core::Files as Generated;

use super::embedded::GO_PACKAGE;
use super::files::{Files, write_changed};
use super::{World, typescript};

/// The module that Go's bindings import, and where it lies beside them.
const GO_PACKAGE_NAME: &str = "go.bytecodealliance.org/pkg";
const GO_PACKAGE_FOLDER: &str = "wit_package";

/// Which language bindings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Bindings {
    /// A header, a source, and an object file that describes the plugin.
    C,
    /// A module of packages, one for each interface.
    Go,
    /// Declarations, as QuickJS passes values.
    #[value(name = "typescript")]
    TypeScript,
}

/// Writes bindings into a folder, over those that were there.
pub fn write_bindings(language: Bindings, world: &World, folder: &Path) -> anyhow::Result<()> {
    let (mut resolve, id) = world.resolve()?;
    let mut generated = Generated::default();
    match language {
        Bindings::C => wit_bindgen_c::Opts::default().build().generate(&mut resolve, id, &mut generated)?,
        Bindings::Go => {
            // The same text whether there is a formatter or not.
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
        // The author may have added modules.
        files.retain(|path, _| path != Path::new("go.mod") || !folder.join(path).exists());
    }
    write_changed(folder, &files)
}

/// The module that generated Go imports, which need not be fetched so.
fn go_package() -> Files {
    GO_PACKAGE.iter().map(|(path, text)| (Path::new(GO_PACKAGE_FOLDER).join(path), (*text).into())).collect()
}

/// The generator's own asks for an older Go than the package does.
fn go_module() -> String {
    let package = GO_PACKAGE.iter().find(|(path, _)| *path == "go.mod").map(|(_, text)| *text).unwrap_or_default();
    let version = package.lines().find(|line| line.starts_with("go ")).unwrap_or_default();
    let requirement = wit_bindgen_go::remote_pkg_version();
    format!(
        "\
module wit_component

{version}

require {requirement}

// The same source as the published one, so that nothing is fetched.
replace {GO_PACKAGE_NAME} => ./{GO_PACKAGE_FOLDER}
"
    )
}
