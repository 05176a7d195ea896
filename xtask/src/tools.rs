//! Programs that the commands start, and folders for output.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};

/// Compilation target of plugins.
pub(crate) const PLUGIN_TARGET: &str = "wasm32-wasip2";

/// Returns the root folder of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // Clones that share a target folder also share this program, so the compiled-in path may be another clone's.
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package.parent().expect("xtask lies in the workspace").to_owned()
    });
    &ROOT
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Creates a command for the cargo that started this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Prints a command, runs it, and returns an error if its status is not success.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    println!("\n$ {program} {words}");
    let status = command.status().with_context(|| format!("failed to start {program}"))?;
    if !status.success() {
        bail!("`{program} {words}` failed: {status}");
    }
    Ok(())
}

/// Adds the plugins' target to the active toolchain if missing.
pub(crate) fn add_plugin_target() -> Result<()> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()).output();
    let sysroot = sysroot.context("failed to read the sysroot of rustc")?.stdout;
    let library = Path::new(String::from_utf8_lossy(&sysroot).trim()).join("lib/rustlib").join(PLUGIN_TARGET);
    if library.is_dir() {
        return Ok(());
    }
    execute(Command::new("rustup").args(["target", "add", PLUGIN_TARGET]).current_dir(root()))
}

/// Adds rustfmt and clippy if they are missing, as in a minimal toolchain.
pub(crate) fn add_checkers() -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = cargo(&[command, "--version"]).output().is_ok_and(|output| output.status.success());
        if !found {
            execute(Command::new("rustup").args(["component", "add", component]).current_dir(root()))?;
        }
    }
    Ok(())
}

/// Builds a program of crates.io at a fixed version into the tools folder, unless already built. Returns its path.
pub(crate) fn installed(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let tools = target().join("tools");
    let folder = tools.join("cargo").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let build = tools.join("cargo/build");
    let mut install = cargo(&["install", "--quiet", "--locked", name, "--version", version, "--root"]);
    // Optimization would take minutes, and save only seconds of a short run.
    install.arg(&folder).args(options).env("CARGO_TARGET_DIR", &build).env("CARGO_PROFILE_RELEASE_LTO", "off");
    install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    execute(&mut install)?;
    fs::remove_dir_all(&build).with_context(|| format!("failed to remove {}", build.display()))?;
    Ok(program)
}

/// Installs PyPI packages into a separate environment in the tools folder. Returns the folder of their programs.
pub(crate) fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let (folder, wanted) = (target().join("tools").join(name), packages.join("\n"));
    if !is_done(&folder, &wanted) {
        let _ = fs::remove_dir_all(&folder);
        execute(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("Python 3 with its module venv is required (Debian: python3-venv)")?;
        let mut install = Command::new(folder.join("bin/pip"));
        execute(install.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
        done(&folder, &wanted)?;
    }
    Ok(folder.join("bin"))
}

/// Returns whether an earlier run installed exactly these packages completely.
pub(crate) fn is_done(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == wanted)
}

/// Records that a folder's packages are completely installed.
pub(crate) fn done(folder: &Path, wanted: &str) -> Result<()> {
    fs::write(folder.join("installed"), wanted).with_context(|| format!("failed to write to {}", folder.display()))
}

/// Installs Debian's packages.
pub(crate) fn add(packages: &[&str]) -> Result<()> {
    execute(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    execute(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Returns whether a program is in `PATH`.
pub(crate) fn found(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
