//! The writer thread: queued writes share a commit, and therefore the wait for the disk (group commit).

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::crash;
use super::disk::{self, SpaceMonitor};
use super::error::StoreError;
use super::queue::{Next, Queue};
use super::sql::{self, Transaction};

/// Maximum number of writes in one commit.
const COMMIT_MAX: usize = 64;

/// Maximum time for which writes are added to a commit, so that large writes do not delay other tenants longer.
const COMMIT_TIME_MAX: Duration = Duration::from_millis(5);

/// A queued write: gets the open transaction, or the error that ended it, and returns the write's own error.
pub(super) type Work = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> (Reply, Option<StoreError>) + Send>;
/// Completes the caller's future with the result of the commit.
pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Runs queued writes until the queue is closed. A commit also takes writes that arrive while it is open.
pub(super) fn write(mut connection: Connection, queue: &Queue, monitor: &mut SpaceMonitor) {
    loop {
        let first = match queue.wait(disk::CHECK_INTERVAL) {
            Next::Work(work) => work,
            Next::Nothing => {
                monitor.check_if_due();
                continue;
            }
            Next::Closed => return,
        };
        monitor.check_if_due();
        let until = Instant::now() + COMMIT_TIME_MAX;
        let more = std::iter::from_fn(|| if Instant::now() < until { queue.next() } else { None });
        let batch = std::iter::once(first).chain(more.take(COMMIT_MAX - 1));
        let (replies, committed) = commit(&mut connection, batch);
        if let Err(error) = &committed {
            tracing::error!(event = "store.commit_failed", "failed to commit writes: {error}");
        }
        crash::point("committed");
        for reply in replies {
            reply(committed.clone());
        }
    }
}

fn commit(connection: &mut Connection, batch: impl Iterator<Item = Work>) -> (Vec<Reply>, Result<(), StoreError>) {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut replies = Vec::new();
    let mut open = begun.map_err(|error| StoreError::from(sql::Error::from(error)));
    for work in batch {
        let transaction = open.as_ref().map(|open| Transaction::new(open));
        let (reply, own) = work(transaction.as_ref().map_err(|error| (*error).clone()));
        replies.push(reply);
        // A full or failing disk ends the transaction at once; later writes would run outside any transaction.
        if transaction.is_ok_and(|transaction| transaction.has_ended()) {
            let why = own.unwrap_or(StoreError::Closed);
            open = Err(StoreError::RolledBack(Arc::new(why)));
        }
    }
    crash::point("before-commit");
    let committed = open.and_then(|open| open.commit().map_err(|error| sql::Error::from(error).into()));
    (replies, committed)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::values;

    /// Returns a write of this many bytes, and the receiver of its result.
    fn insert(bytes: i64) -> (Work, oneshot::Receiver<Result<(), StoreError>>) {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result = transaction.and_then(|transaction| {
                let insert = "INSERT INTO t VALUES (zeroblob(?1))";
                Ok(transaction.savepoint(|transaction| transaction.execute(insert, values![bytes]).map(drop))?)
            });
            let own = result.as_ref().err().cloned();
            let reply: Reply = Box::new(move |committed| drop(sender.send(result.and(committed))));
            (reply, own)
        });
        (work, receiver)
    }

    #[test]
    fn a_full_disk_rolls_back_the_whole_commit_and_fails_every_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = Connection::open(folder.path().join("test.db")).expect("a database");
        connection.execute_batch("PRAGMA page_size = 4096; CREATE TABLE t (b BLOB)").expect("a table");
        connection.pragma_update(None, "max_page_count", 20).expect("a limit");
        let (works, receivers): (Vec<_>, Vec<_>) = [10, 1_000_000, 10].map(insert).into_iter().unzip();
        let (replies, committed) = commit(&mut connection, works.into_iter());
        assert!(
            matches!(&committed, Err(StoreError::RolledBack(why)) if why.to_string().contains("full")),
            "{committed:?}"
        );
        replies.into_iter().for_each(|reply| reply(committed.clone()));
        for mut receiver in receivers {
            let error = receiver.try_recv().expect("an answer").expect_err("nothing was written");
            assert!(error.to_string().contains("full"), "{error}");
        }
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a count");
        assert_eq!(rows, 0);
        let (work, mut receiver) = insert(10);
        let (replies, committed) = commit(&mut connection, std::iter::once(work));
        replies.into_iter().for_each(|reply| reply(committed.clone()));
        assert!(receiver.try_recv().expect("an answer").is_ok());
    }
}
