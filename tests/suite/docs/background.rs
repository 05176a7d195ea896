//! Runs programs that a page starts and keeps running: `frontgate dev`, `frontgate run`, simulators.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::process::{Pid, Signal, kill_process_group};

use super::output;

/// The time limit for a build, long enough on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Parts of the lines that show that a program is ready: a gateway, a round of `frontgate dev`, and a simulator.
const READY: [&str; 3] = ["listening on ", "Enter: repeat", "simulated "];

/// A running program, killed on drop.
pub(super) struct Background {
    child: Child,
    written: Arc<Written>,
    /// The number of lines matched so far.
    seen: usize,
}

#[derive(Default)]
struct Written {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Background {
    /// Starts the program in its own process group, and waits until it is ready.
    pub(super) fn start(mut command: Command, place: &str) -> Self {
        use std::os::unix::process::CommandExt as _;
        // Standard input stays open without data: the program would stop at its end.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("bash");
        let written = Arc::<Written>::default();
        written.follow(child.stdout.take().expect("a pipe"));
        written.follow(child.stderr.take().expect("a pipe"));
        let mut background = Self { child, written, seen: 0 };
        background.wait(place, "a line that shows that the program is ready", |lines| {
            lines.iter().position(|line| READY.iter().any(|ready| line.contains(ready))).map(|_| 0)
        });
        background
    }

    /// Waits until the program has printed the expected lines, after the lines matched before.
    pub(super) fn expect(&mut self, place: &str, expected: &str) {
        self.wait(place, expected, |lines| output::find(expected, lines));
    }

    fn wait(&mut self, place: &str, what: &str, found: impl Fn(&[String]) -> Option<usize>) {
        let until = Instant::now() + TIMEOUT;
        let mut lines = self.written.lock();
        loop {
            if let Some(end) = found(&lines[self.seen..]) {
                self.seen += end;
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let ended = self.child.try_wait().expect("a child of this process");
            if left.is_zero() || ended.is_some() {
                panic!("{place}: expected\n{what}\nafter\n{}\n{ended:?}", lines[self.seen..].join("\n"));
            }
            self.written.more.wait_for(&mut lines, left.min(Duration::from_secs(1)));
        }
    }
}

impl Written {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock()
    }

    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let written = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                written.lock().push(line);
                written.more.notify_all();
            }
        });
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // The program may have exited already.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}
