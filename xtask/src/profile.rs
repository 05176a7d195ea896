//! Profile-guided builds: the compiler arranges the gateway's code by what a recorded run used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build;
use crate::tools::{cargo, execute, root, target};

/// Parts of the benchmark whose load is recorded.
const RECORDED: [&str; 3] = ["list", "nothing", "shipped"];
/// Length of each load, in seconds.
const RECORDED_SECONDS: &str = "2";

/// Builds `target/release/frontgate`, guided by a profile of the benchmark's load.
pub(crate) fn frontgate() -> Result<()> {
    let (host, folder) = (host()?, target().join("profile"));
    let _ = fs::remove_dir_all(folder.join("raw"));
    let recording = folder.join("build");
    let mut instrumented = frontgate_for(&host, &format!("-Cprofile-generate={}", folder.join("raw").display()));
    // Without link-time optimization, counting the same functions takes half of the time.
    instrumented.env("CARGO_TARGET_DIR", &recording).env("CARGO_PROFILE_RELEASE_LTO", "off");
    execute(&mut instrumented)?;
    record(&recording.join(&host).join("release/frontgate"), &folder.join("raw"))?;
    let merged = folder.join("frontgate.profdata");
    execute(Command::new(profdata(&host)?).args(["merge", "-o"]).arg(&merged).arg(folder.join("raw")))?;
    execute(&mut frontgate_for(&host, &format!("-Cprofile-use={}", merged.display())))?;
    let built = target().join(&host).join("release/frontgate");
    fs::create_dir_all(target().join("release"))?;
    fs::copy(&built, target().join("release/frontgate"))
        .with_context(|| format!("failed to copy {}", built.display()))?;
    Ok(())
}

/// Returns a command that builds the gateway with compiler flags. With a target, the flags do not apply to build
/// scripts.
fn frontgate_for(host: &str, flags: &str) -> Command {
    let profile = ["build", "--profile", build::RELEASE, "--locked", "--workspace", "--bin", "frontgate"];
    let mut build = cargo(&profile);
    build.args(["--target", host]).env("RUSTFLAGS", flags);
    build
}

/// Loads a program that records what it executes.
fn record(program: &Path, raw: &Path) -> Result<()> {
    build::programs(build::QUICK, &["frontgate-bench", "frontgate-bench-native"])?;
    build::bench_guests()?;
    let mut load = Command::new(target().join(build::QUICK).join("frontgate-bench"));
    load.args(RECORDED).args(["--rounds", "1", "--seconds", RECORDED_SECONDS]).arg("--out");
    load.arg(target().join("profile/load.json")).current_dir(root());
    load.env("FRONTGATE_PROGRAM", program).env("FRONTGATE_COMPONENTS", build::component_folder(build::RELEASE));
    execute(load.env("LLVM_PROFILE_FILE", raw.join("%p-%m.profraw")))
}

/// Returns the path of `llvm-profdata`, which rustup adds to the toolchain if it is missing.
fn profdata(host: &str) -> Result<PathBuf> {
    let sysroot = rustc(&["--print", "sysroot"])?;
    let program = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/llvm-profdata");
    if !program.is_file() {
        execute(Command::new("rustup").args(["component", "add", "llvm-tools"]).current_dir(root()))?;
    }
    Ok(program)
}

/// Returns the name of this machine's target.
fn host() -> Result<String> {
    let version = rustc(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(arguments).current_dir(root()).output().context("failed to start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
