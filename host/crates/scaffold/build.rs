//! Embeds the files that `frontgate plugin new`, `wit` and `bindings` write: starters, contract, SDK, and the Go
//! package that generated bindings import.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// Names of build output in a starter's folder, which is not embedded.
const BUILT: [&str; 7] = ["target", "node_modules", ".venv", ".tools", "gen", "__pycache__", "sdk"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let root = host.parent().ok_or("host has no parent folder")?;
    let go = wit_bindgen_go(root)?.join("src/pkg");
    let contract = embed("CONTRACT", &root.join("wit"), |path| {
        path.ends_with(".wit") && (!path.contains('/') || path.starts_with("deps/"))
    })?;
    let starters = embed("STARTERS", &host.join("starters"), |_| true)?;
    let sdk = embed("SDK", &root.join("guest-sdk"), |path| path.starts_with("src/"))?;
    let go = embed("GO_PACKAGE", &go, |path| path.starts_with("wit/") || ["go.mod", "LICENSE"].contains(&path))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("embedded.rs"), contract + &starters + &sdk + &go)?;
    for watched in ["../../starters", "../../../wit", "../../../guest-sdk", "../../../Cargo.lock", "build.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    Ok(())
}

/// Generates a Rust list of the paths and texts of the files in a folder.
fn embed(name: &str, folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<String> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    let mut list = format!("pub(crate) static {name}: &[(&str, &str)] = &[\n");
    for file in files {
        let path = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        if wanted(&path) {
            let _ = writeln!(list, "    ({path:?}, include_str!({file:?})),");
        }
    }
    Ok(list + "];\n")
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        match path.is_dir() {
            true if BUILT.iter().any(|built| name == *built) => {}
            true => walk(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// Returns the source folder of the Go generator, which contains the Go package that generated bindings import. The
/// path comes from Cargo, since the source may come from a registry or be vendored.
fn wit_bindgen_go(root: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--filter-platform", &env::var("TARGET")?])
        .current_dir(root)
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == "wit-bindgen-go");
    let manifest = package.and_then(|package| package["manifest_path"].as_str()).ok_or("wit-bindgen-go not found")?;
    Ok(Path::new(manifest).parent().ok_or("manifest path has no parent folder")?.to_owned())
}
