//! Compiling in a process of its own: at a lower priority, with limits on time and memory, and
//! without a trace in the gateway's own memory afterwards.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::engine;

/// The command of this program that compiles what it reads. Not for people.
pub const COMMAND: &str = "compile-plugin";

/// Memory of the process that compiles: the largest component tried, a JavaScript engine of 12 MB,
/// took 0.4 GB.
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Compiles a component with the settings of the serving engine.
pub(super) async fn compile(wasm: Vec<u8>, timeout_ms: u64) -> anyhow::Result<Vec<u8>> {
    let mut process = Command::new(this_program())
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting the compiler")?;
    let mut stdin = process.stdin.take().context("the compiler has no input")?;
    let feed = tokio::spawn(async move { stdin.write_all(&wasm).await });
    let Ok(output) = timeout(Duration::from_millis(timeout_ms), process.wait_with_output()).await else {
        bail!("compiling took longer than plugins.compile_timeout_ms = {timeout_ms}");
    };
    let output = output.context("waiting for the compiler")?;
    feed.abort();
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match said.trim() {
        "" => bail!("the compiler ended with {}", output.status),
        said => bail!("{said}"),
    }
}

/// The other side: reads a component from standard input and writes machine code to standard output.
pub fn compile_here() -> anyhow::Result<()> {
    // Callbacks come first, but a processor that they keep busy must not starve the compiler.
    nice(10).context("lowering the priority")?;
    let limit = Rlimit { current: Some(MEMORY_BYTES_MAX), maximum: Some(MEMORY_BYTES_MAX) };
    setrlimit(Resource::As, limit).context("limiting the memory")?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm)?;
    let engine = wasmtime::Engine::new(&engine::settings(None))?;
    let code = engine.precompile_component(&wasm)?;
    std::io::stdout().lock().write_all(&code)?;
    Ok(())
}

/// This program as it was started, even if its file has been replaced since.
fn this_program() -> std::path::PathBuf {
    let running = std::path::Path::new("/proc/self/exe");
    if running.exists() {
        return running.to_owned();
    }
    std::env::current_exe().unwrap_or_else(|_| "frontgate".into())
}
