//! A queued write: its closure, its result, and the caller that waits for the result.

use tokio::sync::oneshot;

use super::error::StoreError;
use super::sql::{self, Scope, Transaction};

/// Policy for a write whose caller gave up while it was queued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Abandoned {
    Write,
    Drop,
}

/// Whether a write must be on disk before its caller continues.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    Wait,
    /// A crash of the database may undo the write. On SQLite the same as `Wait`.
    Skip,
}

/// How a write is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) abandoned: Abandoned,
    pub(super) flush: Flush,
}

impl Mode {
    /// A write that is run in any case and is on disk when it ends.
    pub(super) const NORMAL: Self = Self { abandoned: Abandoned::Write, flush: Flush::Wait };
}

/// A queued write of any type.
pub(super) type QueuedWrite = Box<dyn Write>;

/// A write that an engine runs. The result is kept until the commit.
pub(super) trait Write: Send {
    /// Returns the rows to which the write needs exclusive access.
    fn scope(&self) -> &Scope;

    /// Returns whether the commit waits for the disk.
    fn flush(&self) -> Flush;

    /// Runs the closure in the transaction. May be called again in another transaction.
    fn run(&mut self, transaction: &Transaction<'_>);

    /// Runs the closure in a savepoint, so that its failure leaves other writes of the transaction unchanged.
    fn run_in_savepoint(&mut self, transaction: &Transaction<'_>);

    /// Sets the error of a write that could not run.
    fn fail(&mut self, error: StoreError);

    /// Returns the error of the last run.
    fn error(&self) -> Option<StoreError>;

    /// Completes the caller's future, with the error of the commit if the write itself succeeded.
    fn reply(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A write with the closure `work`, which returns a `T`.
pub(super) struct Pending<T, W> {
    scope: Scope,
    mode: Mode,
    work: W,
    caller: oneshot::Sender<Result<T, StoreError>>,
    result: Result<T, StoreError>,
}

impl<T, W> Pending<T, W>
where
    T: Send + 'static,
    W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
{
    pub(super) fn queued(
        scope: Scope,
        mode: Mode,
        work: W,
        caller: oneshot::Sender<Result<T, StoreError>>,
    ) -> QueuedWrite {
        Box::new(Self { scope, mode, work, caller, result: Err(StoreError::Closed) })
    }

    fn run_unless_abandoned(&mut self, run: impl FnOnce(&W) -> sql::Result<T>) {
        self.result = match self.mode.abandoned {
            Abandoned::Drop if self.caller.is_closed() => Err(StoreError::Timeout),
            _ => run(&self.work).map_err(StoreError::from),
        };
    }
}

impl<T, W> Write for Pending<T, W>
where
    T: Send + 'static,
    W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
{
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn flush(&self) -> Flush {
        self.mode.flush
    }

    fn run(&mut self, transaction: &Transaction<'_>) {
        self.run_unless_abandoned(|work| work(transaction));
    }

    fn run_in_savepoint(&mut self, transaction: &Transaction<'_>) {
        self.run_unless_abandoned(|work| transaction.savepoint(work));
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Err(error);
    }

    fn error(&self) -> Option<StoreError> {
        self.result.as_ref().err().cloned()
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        // The caller may have given up.
        let _ = self.caller.send(self.result.and_then(|value| committed.map(|()| value)));
    }
}
