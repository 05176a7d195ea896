//! The confined process that reads untrusted files. The process enters its sandbox, reads a component from standard
//! input, and writes a report to standard error and machine code to standard output. The process holds no secret and
//! cannot reach the gateway.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use frontgate_contract::Description;
use frontgate_runtime::engine_settings;
use frontgate_system::sandbox::Sandbox;
use frontgate_system::scheduling;
use frontgate_telemetry::brief;
use rustix::process::getpriority_process;

use super::report::{Compile, Line, Order};

/// The program's internal command for this process.
pub const COMMAND: &str = "compile-plugin";

/// Exit code of a process that reported an error in the component.
const FAULT: u8 = 4;

/// Nice value of an optimized build. Callbacks have priority, but must not starve the process.
const NICE: i32 = 10;
/// Nice value of a quick build. It is lower, because an author waits for the result.
const QUICK_NICE: i32 = 5;

/// Interval between checks whether the gateway still runs.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Text in wasmtime's error for a component with asynchronous functions.
const NEEDS_ASYNC: &str = "requires the component model async feature";
/// Remedy that is appended to the error about asynchronous functions.
const SYNCHRONOUS: &str = "; build it with synchronous functions, as `componentize-qjs --sync` does";

/// A function of a test that runs inside the sandbox. The function gets the bytes before they are parsed, and may
/// return an outcome, which is reported in place of a description.
pub type Probe = fn(&[u8]) -> Option<String>;

static PROBE: OnceLock<Probe> = OnceLock::new();

/// Sets the probe. Only the test program calls this function.
pub fn set_probe(probe: Probe) {
    // Each process sets the probe at most once, so the error of a second call is ignored.
    let _ = PROBE.set(probe);
}

/// Executes an order in JSON. Without an order, describes the component and compiles nothing.
pub fn compile_here(order: Option<&str>, gateway: u32) -> ExitCode {
    let done = order.map_or_else(
        || Ok(Order::default()),
        |order| serde_json::from_str(order).context("failed to parse the compile request"),
    );
    match done.and_then(|order| confined(&order, gateway)) {
        Ok(code) => code,
        Err(error) => {
            report(&Line::Failed(format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn confined(order: &Order, gateway: u32) -> anyhow::Result<ExitCode> {
    let quick = order.compile.is_some_and(|compile| compile.quick);
    let below = getpriority_process(None)? + if quick { QUICK_NICE } else { NICE };
    scheduling::lower_priority(below).context("failed to lower the priority")?;
    let sandbox = Sandbox::enter(&order.limits).context("failed to enter the sandbox")?;
    end_with(gateway).context("failed to watch the gateway")?;
    report(&Line::Confined(sandbox.close().context("failed to close the sandbox")?));
    // The buffer is allocated at its final size: a growing buffer needs twice the memory.
    let len = rustix::fs::fstat(std::io::stdin()).map_or(0, |found| found.st_size);
    let mut wasm = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    std::io::stdin().lock().read_to_end(&mut wasm).context("failed to read the component")?;
    if let Some(outcome) = PROBE.get().and_then(|probe| probe(&wasm)) {
        return Ok(fault(Line::Unreadable(outcome)));
    }
    let description = match Description::of(&wasm) {
        Ok(description) => description,
        Err(error) => return Ok(fault(Line::Unreadable(explained(&error)))),
    };
    let fits = description.incompatibility.is_none();
    report(&Line::Described(Box::new(description)));
    match order.compile.filter(|_| fits) {
        Some(how) => compile(&wasm, how, order.limits.output_bytes_max),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn compile(wasm: &[u8], how: Compile, code_bytes_max: u64) -> anyhow::Result<ExitCode> {
    let engine = wasmtime::Engine::new(&engine_settings(how.memory_reservation, how.build()))?;
    match engine.precompile_component(wasm) {
        Ok(code) if code.len() as u64 > code_bytes_max => {
            let bytes = code.len();
            Ok(fault(Line::NotCompiled(format!(
                "its machine code has {bytes} bytes, more than plugins.code_bytes_max = {code_bytes_max}"
            ))))
        }
        Ok(code) => {
            std::io::stdout().lock().write_all(&code).context("failed to write the machine code")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(fault(Line::NotCompiled(explained(&error.into())))),
    }
}

fn fault(line: Line) -> ExitCode {
    report(&line);
    ExitCode::from(FAULT)
}

/// Formats an error of a component on one line. The text may quote the component.
fn explained(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let hint = if text.contains(NEEDS_ASYNC) { SYNCHRONOUS } else { "" };
    brief(&text) + hint
}

/// Writes a line of the report. Errors are ignored: they mean that the gateway has ended.
fn report(line: &Line) {
    let text = serde_json::to_string(line).unwrap_or_default();
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Ends the process when its gateway ends, since the machine code would not be used.
fn end_with(gateway: u32) -> std::io::Result<()> {
    let watching = thread::Builder::new().name("gateway".to_owned()).spawn(move || {
        while std::os::unix::process::parent_id() == gateway {
            thread::sleep(CHECK_INTERVAL);
        }
        std::process::exit(FAULT.into());
    });
    watching.map(drop)
}
