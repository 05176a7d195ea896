//! Starts the process that reads an untrusted file, reads the process's report, and returns the outcome.
//!
//! The process gets an environment without the gateway's variables, the sealed bytes as standard input, the cache's
//! unfinished file as standard output, and a pipe for its report. At most [`REPORT_BYTES_MAX`] bytes of the report are
//! read.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwapOption;
use frontgate_contract::Description;
use frontgate_system::sandbox::{Confinement, Limits};
use frontgate_telemetry::brief;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::blocking::run_blocking;
use super::bytes::Sealed;
use super::compiler_child::COMMAND;
use super::failure::Failure;
use super::report::{Compile, Line, Order, REPORT_BYTES_MAX};

/// Seconds by which the limit of CPU time exceeds the limit of elapsed time. The process has one thread, so the limit
/// of elapsed time ends it first. The limit of CPU time applies even if the gateway no longer watches the process.
const CPU_SECONDS_MORE: u64 = 2;

/// The only variable in the process's environment; the value is in KiB. Without it, the allocator reserves a gigabyte
/// of address space at once, and the limit of address space could not limit the memory in use.
const ARENA: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "32768");

/// One run of the process.
pub(super) struct Run<'r> {
    pub(super) name: &'r str,
    pub(super) sealed: &'r Sealed,
    /// Options and output file of the compilation; `None` to only describe the component.
    pub(super) compile: Option<(Compile, File)>,
    pub(super) times: Times,
    pub(super) memory_bytes_max: u64,
    pub(super) code_bytes_max: u64,
}

/// Time limits of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Time from the start until the description.
    pub(super) check: Duration,
    /// Time from the description until the end.
    pub(super) compile: Duration,
    /// Limits of a first attempt; `None` for other attempts.
    pub(super) first_try: Option<FirstTry>,
}

/// Time limits of a whole first attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstTry {
    /// Limit of CPU time, in seconds.
    pub(super) cpu_seconds: u64,
    /// Limit of elapsed time.
    pub(super) wall: Duration,
}

/// The error of a run without a result.
#[derive(Debug)]
pub(super) enum RunError {
    /// The component is invalid, or the caller rejected it.
    Rejected(Failure),
    /// The compiler reported an error.
    NotCompiled(String),
    /// The first attempt reached its limits.
    FirstTryTimeout,
    /// A signal, a limit, or a panic ended the process.
    Crashed(String),
    /// The process failed for a reason other than the component.
    Failed(anyhow::Error),
}

impl Run<'_> {
    /// Runs the process to its end. `accept` is called with the description before compilation.
    pub(super) async fn run(self, accept: &Accept<'_>) -> Result<Description, RunError> {
        let name = self.name;
        let mut process = self.start().await.map_err(RunError::Failed)?;
        let began = Instant::now();
        let whole = self.times.first_try.map(|limit| began + limit.wall);
        let until = |limit: Instant| whole.map_or(limit, |whole| whole.min(limit));
        let pipe = process.stderr.take().context("the process has no pipe for its report");
        let mut report = Report::new(pipe.map_err(RunError::Failed)?);
        let mut deadline = began + self.times.check;
        let (mut described, mut key) = (None, ("check_timeout_ms", self.times.check));
        let late = |(key, limit): (&str, Duration)| {
            if whole.is_some_and(|whole| whole <= Instant::now()) {
                return RunError::FirstTryTimeout;
            }
            let (what, limit) = (if key.starts_with("check") { "check" } else { "compilation" }, limit.as_millis());
            let remedy = "raise the limit or make the plugin smaller";
            RunError::Rejected(Failure::Permanent(anyhow!("{what} exceeded plugins.{key} = {limit}; {remedy}")))
        };
        while let Some(line) = timeout_at(until(deadline), report.next()).await.map_err(|_| late(key))? {
            match line {
                Line::Confined(confinement) => note(name, process.id(), confinement),
                Line::Described(mut description) => {
                    description.manifest.bytes = self.sealed.len();
                    // The text may quote names from the component.
                    description.incompatibility = description.incompatibility.take().map(|said| brief(&said));
                    accept(&description).map_err(RunError::Rejected)?;
                    described = Some(description);
                    deadline = Instant::now() + self.times.compile;
                    key = ("compile_timeout_ms", self.times.compile);
                }
                Line::Unreadable(said) => return Err(RunError::Rejected(Failure::Permanent(anyhow!(brief(&said))))),
                Line::NotCompiled(said) => return Err(RunError::NotCompiled(brief(&said))),
                Line::Failed(said) => {
                    return Err(RunError::Failed(anyhow!("failed to run the compiler: {}", brief(&said))));
                }
            }
        }
        // The pipe is closed, so the process either ends now or hangs.
        let status = timeout_at(until(deadline), process.wait()).await.map_err(|_| late(key))?;
        let status = status.context("failed to wait for the compiler").map_err(RunError::Failed)?;
        match described {
            Some(description) if status.success() => Ok(*description),
            _ if whole.is_some() && status.signal() == Some(OUT_OF_TIME) => Err(RunError::FirstTryTimeout),
            _ => Err(RunError::Crashed(format!("the compiler {}{}", ended(status), report.rest()))),
        }
    }

    async fn start(&self) -> anyhow::Result<Child> {
        let whole = self.times.check + self.times.compile;
        let limits = Limits {
            memory_bytes_max: self.memory_bytes_max,
            cpu_seconds_max: self.times.first_try.map_or(whole.as_secs() + CPU_SECONDS_MORE, |limit| limit.cpu_seconds),
            output_bytes_max: self.code_bytes_max,
        };
        let order = Order { limits, compile: self.compile.as_ref().map(|(how, _)| *how) };
        let output = match &self.compile {
            Some((_, file)) => file.try_clone()?.into(),
            None => Stdio::null(),
        };
        let mut command = Command::new(this_program());
        command
            .arg(COMMAND)
            .arg("--gateway")
            .arg(std::process::id().to_string())
            .arg(serde_json::to_string(&order)?)
            .env_clear()
            .env(ARENA.0, ARENA.1)
            .stdin(self.sealed.input()?)
            .stdout(output)
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Starting a process blocks its thread.
        run_blocking(move || command.spawn()).await?.context("failed to start the compiler")
    }
}

/// Accepts or rejects a described component before it is compiled.
pub(super) type Accept<'a> = dyn Fn(&Description) -> Result<(), Failure> + Send + Sync + 'a;

/// The confinement of the latest process.
static CONFINEMENT: ArcSwapOption<Confinement> = ArcSwapOption::const_empty();

/// Returns the confinement of the latest process; `None` before the first.
pub fn confinement() -> Option<Arc<Confinement>> {
    CONFINEMENT.load_full()
}

fn note(name: &str, process: Option<u32>, confinement: Confinement) {
    let parts = confinement.parts().join(", ");
    CONFINEMENT.store(Some(Arc::new(confinement)));
    debug!(
        event = "plugin.compiler_confined",
        plugin = name,
        process,
        confinement = %parts,
        "compiler of plugin `{name}` confined by {parts}"
    );
}

/// Signal sent when the process exceeds its limit of CPU time.
const OUT_OF_TIME: i32 = libc::SIGXCPU;
/// Signal sent when the process makes a system call that its filter forbids.
const FORBIDDEN_CALL: i32 = libc::SIGSYS;

/// Describes for an error message how a process ended.
fn ended(status: ExitStatus) -> String {
    match status.signal() {
        Some(FORBIDDEN_CALL) => "was killed: forbidden system call".to_owned(),
        Some(signal @ (libc::SIGKILL | libc::SIGABRT)) => {
            format!("was killed by signal {signal}; plugins.compile_memory_bytes_max may be too low")
        }
        Some(signal) => format!("was killed by signal {signal}"),
        None => format!("exited with {status}"),
    }
}

/// Reader of a report, which also collects other text on the same pipe.
struct Report<R> {
    pipe: BufReader<tokio::io::Take<R>>,
    /// Text that is not part of the report, such as output of a panic or of the C library.
    other: String,
}

impl<R: tokio::io::AsyncRead + Unpin> Report<R> {
    fn new(pipe: R) -> Self {
        Self { pipe: BufReader::new(pipe.take(REPORT_BYTES_MAX as u64)), other: String::new() }
    }

    /// Returns the next line, or `None` at the end or beyond the size limit.
    async fn next(&mut self) -> Option<Line> {
        loop {
            let mut line = Vec::new();
            // A line cannot grow without limit: `take` limits the bytes of the whole report.
            let read = self.pipe.read_until(b'\n', &mut line).await.unwrap_or(0);
            if read == 0 {
                return None;
            }
            match serde_json::from_slice(&line) {
                Ok(line) => return Some(line),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => {
                    let said = String::from_utf8_lossy(line.trim_ascii());
                    self.other = brief(&format!("{} {said}", self.other));
                }
            }
        }
    }

    fn rest(&self) -> String {
        if self.other.is_empty() { String::new() } else { format!(":{}", self.other) }
    }
}

/// Returns the path of the running program, even if its file was replaced after the start.
fn this_program() -> std::path::PathBuf {
    let running = std::path::Path::new("/proc/self/exe");
    if running.exists() {
        return running.to_owned();
    }
    std::env::current_exe().unwrap_or_else(|_| "frontgate".into())
}
