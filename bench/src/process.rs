//! A server as a process: started on its side, asked what it has used, ended when it is dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use rustix::param::clock_ticks_per_second;
use tokio::runtime::Builder;

use crate::connection::Connection;
use crate::cores::Side;
use crate::request::Question;

/// Longer than anything here takes to start, a compilation of Python's interpreter included.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running server.
pub(crate) struct Process {
    child: Child,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// A message for each line of its standard error about a plugin that went live.
    live: Receiver<()>,
}

impl Process {
    /// Starts a server and waits until it says where it listens: the first address of a line with `erving`.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            Side::Server.spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().context("its standard error")?;
        let (address, found) = channel();
        let (swapped, live) = channel();
        thread::spawn(move || Side::Load.run(|| follow(stderr, &address, &swapped)));
        let mut process = Self { child, address: ([0, 0, 0, 0], 0).into(), live };
        let said = found.recv_timeout(PATIENCE).with_context(|| format!("{name} does not say where it listens"))?;
        process.address = said.map_err(|last| anyhow!("{name} ended: {last}"))?;
        Ok(process)
    }

    /// Fails unless a question gets exactly the answer that everybody gives.
    pub(crate) fn check(&self, question: Question) -> anyhow::Result<()> {
        ensure!(self.ask("", question)?, "{} does not answer as the others", self.address);
        Ok(())
    }

    /// Asks once, on a connection of its own, and says whether the answer is the right one.
    pub(crate) fn ask(&self, prefix: &str, question: Question) -> anyhow::Result<bool> {
        let (request, expected) = (question.request(prefix), question.answer());
        let asked = async { Connection::open(self.address).await?.ask(&request, &expected).await };
        Ok(Builder::new_current_thread().enable_all().build()?.block_on(asked)?)
    }

    /// Waits until one more plugin went live.
    pub(crate) fn wait_for_swap(&self) -> anyhow::Result<()> {
        self.live.recv_timeout(PATIENCE).context("no plugin goes live")
    }

    /// Time on processors so far, of all threads.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let ticks = self.stat(11)? + self.stat(12)?;
        Ok(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second())?)
    }

    /// Page faults so far that needed no disk.
    pub(crate) fn page_faults(&self) -> anyhow::Result<u64> {
        self.stat(7)
    }

    /// A number of `/proc/PID/stat`, counted from the state.
    fn stat(&self, index: usize) -> anyhow::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        let (_, fields) = text.rsplit_once(") ").context("the process has no name")?;
        let field = fields.split(' ').nth(index).context("too few fields")?;
        Ok(field.parse()?)
    }

    /// Resident memory, files that are mapped included.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a server listens, or its last words.
type Beginning = Result<SocketAddr, String>;

/// Reads a server's log to its end, as something must, and looks for the lines that matter.
fn follow(stderr: ChildStderr, address: &Sender<Beginning>, live: &Sender<()>) {
    let mut reader = BufReader::with_capacity(64 * 1024, stderr);
    let (mut line, mut last, mut serving) = (Vec::new(), String::new(), false);
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line);
        // Nobody may be waiting for these any more.
        if !serving && let Some(found) = listens(&text) {
            serving = true;
            let _ = address.send(Ok(found));
        }
        if !serving && !text.trim().is_empty() {
            last = text.trim().to_owned();
        }
        if text.contains("` is live") {
            let _ = live.send(());
        }
        line.clear();
    }
    let _ = address.send(Err(last));
}

/// The address in a line such as `serving 127.0.0.1:8080; operators at ...`.
fn listens(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("erving ")?;
    let rest = &rest[rest.find("127.0.0.1:")?..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
    rest[..end].trim_end_matches([':', '.']).parse().ok()
}
