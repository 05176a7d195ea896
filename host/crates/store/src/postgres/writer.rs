//! The threads that run queued writes. A write runs again if its session is lost.
//!
//! With few writes, each one is a transaction of its own. If more are queued than there are threads, several share a
//! transaction, which saves round trips and waits for the disk. If one of them fails, each runs again on its own.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use frontgate_telemetry::metrics::METRICS;
use tokio_util::sync::DropGuard;
use tracing::{info, warn};

use super::Server;
use super::failure::{Failure, Remedy};
use super::session::{Committed, Session};
use crate::crash;
use crate::error::StoreError;
use crate::queue::{Next, Queue};
use crate::sql::{self, Transaction};
use crate::write::{Flush, QueuedWrite};

/// Pauses between two attempts to connect, or to run a write: the first one, doubled up to the last one.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_secs(2);

/// Maximum number of writes in one transaction.
const BATCH_MAX: usize = 16;

/// Time after which an idle thread looks whether its session is still open.
const IDLE: Duration = Duration::from_secs(30);

/// Starts `count` threads. They end when the queue is closed; `ending` is dropped when the first of them ends.
pub(crate) fn start(server: &Arc<Server>, queue: &Arc<Queue>, count: usize, ending: DropGuard) -> anyhow::Result<()> {
    let ending = Arc::new(parking_lot::Mutex::new(Some(ending)));
    for number in 0..count {
        let (server, queue, ending) = (Arc::clone(server), Arc::clone(queue), Arc::clone(&ending));
        let run = move || {
            let end = End { queue, ending };
            Writer { server, session: None, threads: count }.run(&end.queue);
        };
        thread::Builder::new()
            .name(format!("store-{number}"))
            .spawn(run)
            .context("failed to start a thread of the store")?;
    }
    Ok(())
}

/// Dropped when a thread ends: at a shutdown, or because of a panic, which is a bug. Waiting callers get an error.
struct End {
    queue: Arc<Queue>,
    ending: Arc<parking_lot::Mutex<Option<DropGuard>>>,
}

impl Drop for End {
    fn drop(&mut self) {
        if thread::panicking() {
            self.queue.abandon();
        }
        self.ending.lock().take();
    }
}

struct Writer {
    server: Arc<Server>,
    session: Option<Session>,
    /// Number of threads that run writes.
    threads: usize,
}

/// The outcome of one attempt to run a write.
enum Attempt {
    /// The writes have their results.
    Done,
    /// Nothing was written.
    Failed(Failure),
    /// The answer to the commit was lost.
    Unclear(Failure),
}

impl Writer {
    fn run(mut self, queue: &Queue) {
        loop {
            if !self.connect(queue) {
                return;
            }
            match queue.wait(IDLE) {
                Next::Work(write) => {
                    // Leaves a fair part to the other threads.
                    let more = (queue.len() / self.threads).min(BATCH_MAX - 1);
                    let more = std::iter::from_fn(|| queue.next()).take(more);
                    let batch: Vec<QueuedWrite> = std::iter::once(write).chain(more).collect();
                    if batch.len() > 1 {
                        self.write_together(batch);
                    } else {
                        batch.into_iter().for_each(|write| self.write(write, false));
                    }
                }
                Next::Nothing => self.check(),
                Next::Closed => return,
            }
        }
    }

    /// Connects, however long it takes. Returns false if the queue was closed meanwhile.
    fn connect(&mut self, queue: &Queue) -> bool {
        let (mut pause, mut is_lost) = (PAUSE_FIRST, false);
        while self.session.is_none() {
            match Session::open(&self.server) {
                Ok(session) => self.session = Some(session),
                Err(failure) if queue.is_closed() => {
                    warn!(event = "store.connect_failed", "failed to connect to Postgres: {failure}");
                    return false;
                }
                Err(failure) => {
                    if !is_lost {
                        warn!(event = "store.connect_failed", "failed to connect to Postgres, retrying: {failure}");
                    }
                    is_lost = true;
                    thread::sleep(jitter(pause));
                    pause = (pause * 2).min(PAUSE_LONGEST);
                }
            }
        }
        if is_lost {
            info!(event = "store.connected", "connected to Postgres again");
        }
        true
    }

    /// Drops a session that the server has ended while it was idle.
    fn check(&mut self) {
        if self.session.as_ref().is_some_and(|session| session.batch("SELECT 1").is_err()) {
            self.session = None;
        }
    }

    /// Runs writes in one transaction, or, if one of them fails, each in its own.
    fn write_together(&mut self, mut batch: Vec<QueuedWrite>) {
        let is_unclear = match self.attempt(&mut batch) {
            Attempt::Done => return batch.into_iter().for_each(|write| write.reply(Ok(()))),
            Attempt::Failed(_) => false,
            Attempt::Unclear(_) => {
                METRICS.store_unclear.inc();
                true
            }
        };
        batch.into_iter().for_each(|write| self.write(write, is_unclear));
    }

    /// Returns the session, or a new one if it is lost.
    fn open(&mut self) -> Result<&Session, Failure> {
        if self.session.as_ref().is_some_and(Session::is_closed) {
            METRICS.store_reconnects.inc();
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(Session::open(&self.server)?)),
        }
    }

    /// Runs a write until it has a result, or until `store.timeout_ms` has passed.
    ///
    /// `is_unclear` tells whether an earlier run may have succeeded.
    fn write(&mut self, mut write: QueuedWrite, mut is_unclear: bool) {
        let until = Instant::now() + self.server.timeout;
        let mut pause = PAUSE_FIRST;
        loop {
            let (failure, remedy) = match self.attempt(std::slice::from_mut(&mut write)) {
                Attempt::Done => return write.reply(Ok(())),
                Attempt::Failed(failure) => {
                    let remedy = failure.remedy();
                    (failure, remedy)
                }
                Attempt::Unclear(failure) => {
                    METRICS.store_unclear.inc();
                    is_unclear = true;
                    (failure, Remedy::Reconnect)
                }
            };
            if remedy == Remedy::Reconnect && self.session.take().is_some() {
                METRICS.store_reconnects.inc();
            }
            if remedy == Remedy::Report || Instant::now() >= until {
                // After a lost answer, the write may have succeeded.
                let lost = is_unclear.then_some(StoreError::Timeout);
                write.fail(lost.unwrap_or_else(|| sql::Error::from(failure).into()));
                return write.reply(Ok(()));
            }
            thread::sleep(jitter(pause));
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    /// Runs writes in one transaction. A write that fails by itself has its result, unless others share the transaction.
    fn attempt(&mut self, writes: &mut [QueuedWrite]) -> Attempt {
        let session = match self.open() {
            Ok(session) => session,
            Err(failure) => return Attempt::Failed(failure),
        };
        let flush = if writes.iter().any(|write| write.flush() == Flush::Wait) { Flush::Wait } else { Flush::Skip };
        let now = match session.begin(writes.iter().map(|write| write.scope()), flush) {
            Ok(now) => now,
            Err(failure) => {
                session.roll_back();
                return Attempt::Failed(failure);
            }
        };
        let (transaction, is_alone) = (Transaction::postgres(session, now), writes.len() == 1);
        for write in writes {
            write.run(&transaction);
            let error = match write.error() {
                // An abandoned write has run no statement.
                None | Some(StoreError::Timeout) => continue,
                Some(error) => error,
            };
            session.roll_back();
            return match error {
                StoreError::Database(error) => match &*error {
                    sql::Error::Postgres(failure) => Attempt::Failed(failure.clone()),
                    sql::Error::Conflict => Attempt::Failed(Failure::Conflict),
                    _ if is_alone => Attempt::Done,
                    _ => Attempt::Failed(Failure::Aborted),
                },
                _ if is_alone => Attempt::Done,
                _ => Attempt::Failed(Failure::Aborted),
            };
        }
        crash::point("before-commit");
        match session.commit() {
            Committed::Yes => {
                crash::point("committed");
                Attempt::Done
            }
            Committed::No(failure) => Attempt::Failed(failure),
            Committed::Unclear(failure) => Attempt::Unclear(failure),
        }
    }
}

/// Returns a random time between half of `pause` and `pause`, so that threads and gateways do not retry together.
fn jitter(pause: Duration) -> Duration {
    let random = u32::from(getrandom::u32().unwrap_or_default() as u16);
    pause / 2 + pause / 2 * random / u32::from(u16::MAX)
}
