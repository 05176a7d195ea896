//! Starts the servers to compare.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use frontgate_tests::{Setup, TOKEN, component, program, root};

use crate::process::Process;

/// Features of `wasmtime serve` that this benchmark needs.
const WASMTIME_FEATURES: &str = "run,serve,component-model-async,pooling-allocator,cranelift,parallel-compilation";

/// The gateway's engine settings that `wasmtime serve` also has.
const WASMTIME_SETTINGS: [&str; 5] = [
    "pooling-allocator=y",
    "pooling-memory-keep-resident=262144",
    "pooling-table-keep-resident=65536",
    "pooling-pagemap-scan=auto",
    "pooling-max-memory-size=67108864",
];

/// Returns cargo's target folder.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Returns the benchmark's folder for tools and their output.
pub(crate) fn workspace() -> PathBuf {
    target().join("bench")
}

/// Creates a setup with the benchmark's plugin. All settings have their defaults, except the connection limits per
/// address.
pub(crate) fn setup() -> Setup {
    empty_setup().plugin("plugin", &component("bench-customers"))
}

/// Creates a setup without a plugin.
pub(crate) fn empty_setup() -> Setup {
    Setup::new()
        .set("log.format", "\"text\"")
        .set("plugins.cache", format!("{:?}", workspace().join("compiled")))
        .set("server.connections_max", "12000")
        .set("server.connections_per_address_max", "12000")
}

/// A running gateway and its setup.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) setup: Setup,
}

impl Gateway {
    /// Starts the gateway that `cargo xtask bench` has built.
    pub(crate) fn start(setup: Setup) -> anyhow::Result<Self> {
        setup.write();
        let mut command = Command::new(program());
        command.args(["run", "--config", "config.toml"]).current_dir(setup.folder());
        Ok(Self { process: Process::start(&mut command)?, setup })
    }

    /// Replaces the plugin's file atomically.
    pub(crate) fn drop_plugin(&self, component: &[u8]) -> anyhow::Result<()> {
        let unfinished = self.setup.folder().join("plugins/plugin.unfinished");
        fs::write(&unfinished, component)?;
        Ok(fs::rename(unfinished, self.setup.folder().join("plugins/plugin.wasm"))?)
    }
}

/// Starts the native callback behind hyper, which was built beside this program.
pub(crate) fn native() -> anyhow::Result<Process> {
    Process::start(&mut Command::new(std::env::current_exe()?.with_file_name("frontgate-bench-native")))
}

/// Starts Express with Twilio's middleware. The lock file determines the package versions.
pub(crate) fn express() -> anyhow::Result<Process> {
    let folder = workspace().join("express");
    fs::create_dir_all(&folder)?;
    let source = root().join("bench/express");
    for name in ["package.json", "package-lock.json", "service.js"] {
        fs::copy(source.join(name), folder.join(name))?;
    }
    let installed = folder.join("node_modules/.package-lock.json");
    if !is_newer(&installed, &source.join("package-lock.json")) {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder))?;
    }
    let mut node = Command::new("node");
    node.arg("service.js").current_dir(folder).env("NODE_ENV", "production").env("TWILIO_AUTH_TOKEN", TOKEN);
    Process::start(&mut node)
}

/// Starts `wasmtime serve` with the gateway's engine settings.
pub(crate) fn wasmtime_serve() -> anyhow::Result<Process> {
    let folder = workspace().join("wasmtime");
    let install =
        ["install", "wasmtime-cli", "--version", "~48.0.8", "--locked", "--no-default-features", "--features"];
    let program = folder.join("bin/wasmtime");
    if !program.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(install).arg(WASMTIME_FEATURES).arg("--root").arg(&folder);
        run(command.arg("--target-dir").arg(folder.join("build")))?;
    }
    let guest = workspace().join("bench-http.wasm");
    fs::write(&guest, component("bench-http"))?;
    let mut serve = Command::new(program);
    serve.args(["serve", "--addr", "127.0.0.1:0", "-S", "cli"]);
    serve.args(WASMTIME_SETTINGS.iter().flat_map(|setting| ["-O", setting])).arg(guest);
    Process::start(&mut serve)
}

/// Runs a tool silently. If it fails, the error is the last line of its error output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} is not there"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {}", text.lines().last().unwrap_or_default());
    Ok(())
}

/// Returns whether one file is newer than another.
pub(crate) fn is_newer(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    matches!((time(made), time(source)), (Ok(made), Ok(source)) if made > source)
}
