//! `cargo xtask build`: builds the gateway and the plugins that are shipped with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::tools::{PLUGIN_TARGET, add_plugin_target, cargo, execute, root, target};

/// Profile of the shipped programs.
pub(crate) const RELEASE: &str = "release";
/// Profile of tests and of the running example.
pub(crate) const QUICK: &str = "quick";

/// Builds gateway and plugins with the release profile.
pub(crate) fn build() -> Result<()> {
    programs(RELEASE, &["frontgate"])?;
    plugins(RELEASE)?;
    mark_reusable()
}

/// Tests the shipped plugins that say they are reusable, which marks their files.
fn mark_reusable() -> Result<()> {
    let folder = root().join("plugins");
    let program = target().join(RELEASE).join("frontgate");
    for name in packages(&folder)? {
        let project = fs::read_to_string(folder.join(&name).join("plugin.toml")).unwrap_or_default();
        if project.lines().any(|line| line == "reusable = true") {
            execute(Command::new(&program).args(["plugin", "test"]).arg(folder.join(&name)))?;
        }
    }
    Ok(())
}

/// Names of the plugins in `config.toml`.
const EXAMPLE_PLUGINS: [&str; 5] = ["directory", "echo-channel", "numbers", "owner-routing", "templates"];

/// Builds the gateway, the simulators and the plugins of `config.toml`.
pub(crate) fn build_example() -> Result<()> {
    programs(QUICK, &["frontgate", "twilio-simulator", "front-simulator"])?;
    install(QUICK, &EXAMPLE_PLUGINS.map(str::to_owned))
}

/// Builds programs in one cargo invocation. Uses the features of the whole workspace, so that tests and programs share
/// compiled packages.
pub(crate) fn programs(profile: &str, names: &[&str]) -> Result<()> {
    let mut build = cargo(&["build", "--profile", profile, "--locked", "--workspace"]);
    execute(build.args(names.iter().flat_map(|name| ["--bin", name])))
}

/// Builds every crate in `plugins/` and copies the components to the gateway's plugin folder.
pub(crate) fn plugins(profile: &str) -> Result<()> {
    install(profile, &packages(&root().join("plugins"))?)
}

/// Builds some crates of `plugins/` and copies the components to the gateway's plugin folder.
fn install(profile: &str, names: &[String]) -> Result<()> {
    let folder = root().join("plugins");
    for (name, component) in names.iter().zip(components(profile, names)?) {
        let path = folder.join(format!("{name}.wasm"));
        let unfinished = path.with_extension("unfinished");
        fs::copy(&component, &unfinished).with_context(|| format!("failed to copy {}", component.display()))?;
        fs::rename(&unfinished, &path)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Builds packages as components and returns the paths of the files. The profile is that of the gateway, so that
/// procedural macros and build scripts are compiled only once.
pub(crate) fn components(profile: &str, packages: &[String]) -> Result<Vec<PathBuf>> {
    add_plugin_target()?;
    let mut build = cargo(&["build", "--profile", profile, "--locked", "--target", PLUGIN_TARGET]);
    build.args(packages.iter().flat_map(|name| ["--package", name]));
    execute(&mut build)?;
    let built = component_folder(profile);
    let file = |name: &String| built.join(format!("{}.wasm", name.replace('-', "_")));
    Ok(packages.iter().map(file).collect())
}

/// Builds the plugins that the benchmark calls.
pub(crate) fn bench_guests() -> Result<()> {
    let mut guests = packages(&root().join("bench/guests"))?;
    guests.extend(["misbehaving", "directory", "templates", "numbers"].map(str::to_owned));
    components(RELEASE, &guests).map(drop)
}

/// Returns the folder of the components that were built with a profile.
pub(crate) fn component_folder(profile: &str) -> PathBuf {
    target().join(PLUGIN_TARGET).join(profile)
}

/// Returns the names of the crates in a folder; each crate has the same name as its folder.
pub(crate) fn packages(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}
