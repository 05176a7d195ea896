//! The process of a simulation: started, asked and ended by the console. One at a time.
//!
//! The process ends with the pipe of its standard input, so also when the gateway is killed.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use frontgate_console_pages::pages::SimulationState;
use frontgate_net::one_shot;
use frontgate_system::process;
use http_body_util::Full;
use hyper::Request;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Time that an ended simulation has to finish.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for an answer of the process.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of the process's log that explain its end.
const LINES_MAX: usize = 5;

/// The last simulation.
#[derive(Default)]
pub(super) struct Simulations {
    last: Mutex<Option<Arc<Simulation>>>,
    turn: tokio::sync::Mutex<()>,
}

/// A simulation.
pub(super) struct Simulation {
    pub(super) tenant: String,
    pub(super) who: String,
    phase: Mutex<Phase>,
    /// Result of the last action, or why it was not possible.
    played: Mutex<Option<Result<String, String>>>,
    /// Ends the process.
    stop: CancellationToken,
    /// Cancelled when the process has ended.
    ended: CancellationToken,
}

/// What the process does.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    /// It loads plugins.
    Starting,
    /// It answers on this socket.
    Running(PathBuf),
    /// It has ended, after an error with this text.
    Ended(Option<String>),
}

/// The line with which the process says that it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    control: PathBuf,
}

impl Simulations {
    /// Returns the last simulation.
    pub(super) fn last(&self) -> Option<Arc<Simulation>> {
        self.last.lock().clone()
    }

    /// Ends the last simulation, and starts another one.
    pub(super) async fn start(&self, file: &Path, tenant: &str, who: &str) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        if let Some(last) = self.last() {
            last.end().await;
        }
        let child = spawn(file, tenant).context("failed to start the simulation")?;
        let simulation = Arc::new(Simulation {
            tenant: tenant.to_owned(),
            who: who.to_owned(),
            phase: Mutex::new(Phase::Starting),
            played: Mutex::default(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        *self.last.lock() = Some(Arc::clone(&simulation));
        info!(event = "console.simulation_started", tenant, "simulation of tenant `{tenant}` started");
        tokio::spawn(simulation.watch(child));
        Ok(())
    }
}

/// Starts the program of this process, with its environment.
fn spawn(file: &Path, tenant: &str) -> anyhow::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["simulate", "--until-input-ends", "--tenant", tenant, "--config"]).arg(file);
    command.envs(process::taken());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command.spawn()?)
}

impl Simulation {
    /// Returns what the process does.
    pub(super) fn phase(&self) -> Phase {
        self.phase.lock().clone()
    }

    /// Ends the process, and waits for its end.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.ended.cancelled().await;
    }

    /// Follows the process until it ends.
    async fn watch(self: Arc<Self>, mut child: Child) {
        let input = child.stdin.take();
        let lines = child.stderr.take().map(|log| tokio::spawn(last_lines(log)));
        if let Some(output) = child.stdout.take() {
            let following = Arc::clone(&self);
            tokio::spawn(async move { following.follow(output).await });
        }
        let outcome = self.until_end(&mut child, input).await;
        let reason = match outcome {
            Ok(true) => None,
            Ok(false) => {
                let said = match lines {
                    Some(lines) => lines.await.unwrap_or_default(),
                    None => String::new(),
                };
                Some(if said.is_empty() { "The process of the simulation failed.".to_owned() } else { said })
            }
            Err(error) => Some(error.to_string()),
        };
        let tenant = &self.tenant;
        match &reason {
            None => info!(event = "console.simulation_ended", tenant, "simulation of tenant `{tenant}` ended"),
            Some(_) => {
                warn!(
                    event = "console.simulation_failed",
                    tenant, "simulation of tenant `{tenant}` failed: see the page"
                );
            }
        }
        *self.phase.lock() = Phase::Ended(reason);
        self.ended.cancel();
    }

    /// Returns whether the process ended without an error.
    async fn until_end(&self, child: &mut Child, input: Option<ChildStdin>) -> std::io::Result<bool> {
        tokio::select! {
            status = child.wait() => return Ok(status?.success()),
            () = self.stop.cancelled() => {}
        }
        drop(input);
        if timeout(END_TIMEOUT, child.wait()).await.is_err() {
            child.kill().await?;
        }
        Ok(true)
    }

    /// Reads the line with the control socket.
    async fn follow(&self, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(Ready { control }) = serde_json::from_str(&line) else { continue };
            let mut phase = self.phase.lock();
            if matches!(*phase, Phase::Starting) {
                *phase = Phase::Running(control);
            }
        }
    }

    /// Returns what has happened.
    pub(super) async fn state(&self, control: &Path) -> anyhow::Result<SimulationState> {
        let request = Request::get("/state").header("host", "frontgate").body(Full::default())?;
        Ok(serde_json::from_slice(&ask(control, request).await?)?)
    }

    /// Returns the result of the last action, or why it was not possible.
    pub(super) fn played(&self) -> Option<Result<String, String>> {
        self.played.lock().clone()
    }

    /// Plays an action. Returns whether it was possible.
    pub(super) async fn play(&self, control: &Path, action: &str, fields: &[(String, String)]) -> bool {
        let played = ask_to_play(control, action, fields).await.map_err(|error| format!("{error:#}"));
        let was_possible = played.is_ok();
        *self.played.lock() = Some(played);
        was_possible
    }
}

async fn ask_to_play(control: &Path, action: &str, fields: &[(String, String)]) -> anyhow::Result<String> {
    let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name, value)).collect();
    let body = Full::<Bytes>::from(serde_json::to_vec(&fields)?);
    let request = Request::post(format!("/{action}")).header("host", "frontgate").body(body)?;
    let answer: BTreeMap<String, String> = serde_json::from_slice(&ask(control, request).await?)?;
    let text = |name: &str| answer.get(name).cloned();
    text("notice").ok_or_else(|| anyhow!(text("error").unwrap_or_default()))
}

async fn ask(control: &Path, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
    let asking = async {
        let stream = UnixStream::connect(control).await.context("the simulation does not answer")?;
        one_shot(stream, request).await
    };
    let answer = timeout(ANSWER_TIMEOUT, asking).await.context("the simulation does not answer in time")??;
    Ok(answer.into_body())
}

/// Returns the last lines of the process's log.
async fn last_lines(log: impl AsyncRead + Unpin) -> String {
    let (mut lines, mut last) = (BufReader::new(log).lines(), VecDeque::new());
    while let Ok(Some(line)) = lines.next_line().await {
        if last.len() >= LINES_MAX {
            last.pop_front();
        }
        last.push_back(line);
    }
    last.into_iter().collect::<Vec<_>>().join("\n")
}
