//! A server process, pinned to its side, with measurements of its resource use. Killed when dropped.

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

/// Time limit of a server's start, including the compilation of Python's interpreter.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A running server.
pub(crate) struct Process {
    child: Child,
    /// Address of the server.
    pub(crate) address: SocketAddr,
    /// Receives one message for each plugin that goes live according to the log.
    live: Receiver<()>,
}

impl Process {
    /// Starts a server and waits for its address: the first address in a line with `listening on` or `erving`.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            Side::Server.spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().context("its standard error")?;
        let (address, found) = channel();
        let (swapped, live) = channel();
        thread::spawn(move || Side::Load.run(|| follow(stderr, &address, &swapped)));
        let mut process = Self { child, address: ([0, 0, 0, 0], 0).into(), live };
        let output = found.recv_timeout(TIMEOUT).with_context(|| format!("{name} does not print its address"))?;
        process.address = output.map_err(|last| anyhow!("{name} ended: {last}"))?;
        Ok(process)
    }

    /// Checks that the server gives exactly the expected answer.
    pub(crate) fn check(&self, question: Question) -> anyhow::Result<()> {
        ensure!(self.ask("", question)?, "{} does not give the common answer", self.address);
        Ok(())
    }

    /// Sends one request on a new connection, and returns whether the answer is correct.
    pub(crate) fn ask(&self, prefix: &str, question: Question) -> anyhow::Result<bool> {
        let (request, expected) = (question.request(prefix), question.answer());
        let asked = async { Connection::open(self.address).await?.ask(&request, &expected).await };
        Ok(Builder::new_current_thread().enable_all().build()?.block_on(asked)?)
    }

    /// Sends one request on a new connection, and returns status and body of the answer.
    pub(crate) fn fetch(&self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        let asked = async {
            let mut connection = Connection::open(self.address).await?;
            connection.exchange(request).await.map(|(status, body)| (status, body.to_vec()))
        };
        Ok(Builder::new_current_thread().enable_all().build()?.block_on(asked)?)
    }

    /// Waits until another plugin has gone live.
    pub(crate) fn wait_for_swap(&self) -> anyhow::Result<()> {
        self.live.recv_timeout(TIMEOUT).context("no plugin goes live")
    }

    /// Returns the CPU time of all threads so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let ticks = self.stat(11)? + self.stat(12)?;
        Ok(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second())?)
    }

    /// Returns the number of minor page faults so far.
    pub(crate) fn page_faults(&self) -> anyhow::Result<u64> {
        self.stat(7)
    }

    /// Returns a field of `/proc/PID/stat`, by its index after the process name.
    fn stat(&self, index: usize) -> anyhow::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        let (_, fields) = text.rsplit_once(") ").context("the process has no name")?;
        let field = fields.split(' ').nth(index).context("too few fields")?;
        Ok(field.parse()?)
    }

    /// Returns the resident memory in KiB, including mapped files.
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
        // Errors are ignored, because the process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Address of a server, or its last line of output if it failed to start.
type Beginning = Result<SocketAddr, String>;

/// Reads a server's log to its end, so that the pipe never blocks, and reports the relevant lines.
fn follow(stderr: ChildStderr, address: &Sender<Beginning>, live: &Sender<()>) {
    let mut reader = BufReader::with_capacity(64 * 1024, stderr);
    let (mut line, mut last, mut serving) = (Vec::new(), String::new(), false);
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line);
        // Send errors are ignored, because the receivers may have been dropped.
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

/// Returns the address in a line such as `listening on 127.0.0.1:8080; admin pages at ...` or `serving 127.0.0.1:8080`.
fn listens(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ").or_else(|| line.split_once("erving "))?;
    let rest = &rest[rest.find("127.0.0.1:")?..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
    rest[..end].trim_end_matches([':', '.']).parse().ok()
}
