//! Compiling in a process of its own: at a lower priority, with limits on time and memory, and
//! without a trace in the gateway's own memory afterwards.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use rustix::process::{Resource, Rlimit, getpriority_process, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::aside::aside;
use super::failure::Failure;
use crate::plugin::run::engine::{self, Build};
use crate::scheduling;
use crate::telemetry::brief;

/// The command of this program that compiles what it reads. Not for people.
pub const COMMAND: &str = "compile-plugin";

/// The exit code of a compiler that found fault with the component.
pub const NOT_COMPILED: u8 = 4;

/// Memory of the process that compiles: the largest component tried, a JavaScript engine of 12 MB,
/// took 0.4 GB.
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Compiles a component with the settings of the serving engine.
pub(super) async fn compile(
    wasm: Bytes,
    build: Build,
    reservation: Option<u64>,
    timeout_ms: u64,
) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new(this_program());
    command
        .arg(COMMAND)
        .arg("--gateway")
        .arg(std::process::id().to_string())
        .args(reservation.map(|bytes| bytes.to_string()));
    if build == Build::Quick {
        command.arg("--quick");
    }
    // Untrusted code is compiled there: no secret of ours is within reach.
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let passing = |error: std::io::Error| Failure::Passing(anyhow::Error::from(error).context("running the compiler"));
    // The thread that starts a process waits until the process is there.
    let spawned = aside(move || command.spawn()).await.map_err(|error| Failure::Passing(error.into()))?;
    let mut process = spawned.map_err(passing)?;
    let feed = process
        .stdin
        .take()
        .map(|mut stdin| AbortOnDropHandle::new(tokio::spawn(async move { stdin.write_all(&wasm).await })));
    let Ok(output) = timeout(Duration::from_millis(timeout_ms), process.wait_with_output()).await else {
        let error = anyhow!("compiling takes longer than plugins.compile_timeout_ms = {timeout_ms}");
        return Err(Failure::Verdict(error));
    };
    drop(feed);
    let output = output.map_err(passing)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let error = anyhow!("it does not compile: {}: {}", output.status, said.trim());
    Err(match output.status.code() {
        Some(code) if code == i32::from(NOT_COMPILED) => {
            Failure::Verdict(anyhow!("it does not compile: {}", said.trim()))
        }
        // Killed, for example for want of memory.
        _ => Failure::Passing(error),
    })
}

/// Part of what is said of a component with asynchronous functions.
const NEEDS_ASYNC: &str = "requires the component model async feature";
/// What its author can do.
const SYNCHRONOUS: &str = "; build it with synchronous functions, as `componentize-qjs --sync` does";

/// The other side: reads a component from standard input, writes machine code to standard output,
/// and says what is wrong with the component otherwise.
pub fn compile_here(reservation: Option<u64>, build: Build, gateway: u32) -> anyhow::Result<Result<(), String>> {
    // Callbacks come first, but a processor that they keep busy must not starve the compiler.
    let below = getpriority_process(None)? + if build == Build::Quick { 5 } else { 10 };
    scheduling::give_way(below).context("lowering the priority")?;
    let allowed = getrlimit(Resource::As).maximum.unwrap_or(u64::MAX);
    let limit = Some(MEMORY_BYTES_MAX.min(allowed));
    setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }).context("limiting the memory")?;
    end_with(gateway).context("watching the gateway")?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm)?;
    let engine = wasmtime::Engine::new(&engine::settings(reservation, build))?;
    match engine.precompile_component(&wasm) {
        Ok(code) => std::io::stdout().lock().write_all(&code).map(Ok).context("handing over the code"),
        Err(error) => {
            let text = format!("{error:#}");
            let hint = if text.contains(NEEDS_ASYNC) { SYNCHRONOUS } else { "" };
            Ok(Err(format!("{}{hint}", brief(&text))))
        }
    }
}

/// A gateway that was killed takes its code from nobody any more, and half a minute of a processor is a lot.
fn end_with(gateway: u32) -> std::io::Result<()> {
    const LOOK_EACH: Duration = Duration::from_millis(500);
    let watching = std::thread::Builder::new().name("gateway".to_owned()).spawn(move || {
        while std::os::unix::process::parent_id() == gateway {
            std::thread::sleep(LOOK_EACH);
        }
        std::process::exit(NOT_COMPILED.into());
    });
    watching.map(drop)
}

/// This program as it was started, even if its file has been replaced since.
fn this_program() -> std::path::PathBuf {
    let running = std::path::Path::new("/proc/self/exe");
    if running.exists() {
        return running.to_owned();
    }
    std::env::current_exe().unwrap_or_else(|_| "frontgate".into())
}
