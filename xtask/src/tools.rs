//! Programs that the commands call, and where their results are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};

/// What plugins are built for.
pub(crate) const PLUGIN_TARGET: &str = "wasm32-wasip2";

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // What was compiled may be another clone's, where they share what they build.
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package.parent().expect("xtask lies in the workspace").to_owned()
    });
    &ROOT
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Shows a command, runs it, and fails as it does.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    println!("\n$ {program} {words}");
    let status = command.status().with_context(|| format!("starting {program}"))?;
    if !status.success() {
        bail!("`{program} {words}` failed: {status}");
    }
    Ok(())
}

/// Adds the plugins' target to the toolchain in use, if it is not there.
pub(crate) fn add_plugin_target() -> Result<()> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()).output();
    let sysroot = sysroot.context("asking rustc for its folder")?.stdout;
    let library = Path::new(String::from_utf8_lossy(&sysroot).trim()).join("lib/rustlib").join(PLUGIN_TARGET);
    if library.is_dir() {
        return Ok(());
    }
    execute(Command::new("rustup").args(["target", "add", PLUGIN_TARGET]).current_dir(root()))
}

/// Adds rustfmt and clippy, which a minimal toolchain lacks.
pub(crate) fn add_checkers() -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = cargo(&[command, "--version"]).output().is_ok_and(|output| output.status.success());
        if !found {
            execute(Command::new("rustup").args(["component", "add", component]).current_dir(root()))?;
        }
    }
    Ok(())
}

/// A program of crates.io at a fixed version, built once into the folder of the tools.
pub(crate) fn installed(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let tools = target().join("tools");
    let folder = tools.join("cargo").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let build = tools.join("cargo/build");
    let mut install = cargo(&["install", "--quiet", "--locked", name, "--version", version, "--root"]);
    // A tool that runs for seconds is not worth minutes of optimisation.
    install.arg(&folder).args(options).env("CARGO_TARGET_DIR", &build).env("CARGO_PROFILE_RELEASE_LTO", "off");
    install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    execute(&mut install)?;
    fs::remove_dir_all(&build).with_context(|| format!("removing {}", build.display()))?;
    Ok(program)
}
