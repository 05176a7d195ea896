//! The writer thread: queued writes share a commit, and therefore the wait for the disk (group commit).

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::disk::{self, SpaceMonitor};
use crate::crash;
use crate::error::StoreError;
use crate::queue::{Next, Queue};
use crate::sql::{self, Transaction};
use crate::write::QueuedWrite;

/// Maximum number of writes in one commit.
const COMMIT_MAX: usize = 64;

/// Maximum time for which writes are added to a commit, so that large writes do not delay other tenants longer.
const COMMIT_TIME_MAX: Duration = Duration::from_millis(5);

/// Runs queued writes until the queue is closed. A commit also takes writes that arrive while it is open.
pub(crate) fn write(mut connection: Connection, queue: &Queue, monitor: &mut SpaceMonitor) {
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
        let (writes, committed) = commit(&mut connection, batch);
        if let Err(error) = &committed {
            tracing::error!(event = "store.commit_failed", "failed to commit writes: {error}");
        }
        crash::point("committed");
        for write in writes {
            write.reply(committed.clone());
        }
    }
}

fn commit(
    connection: &mut Connection,
    batch: impl Iterator<Item = QueuedWrite>,
) -> (Vec<QueuedWrite>, Result<(), StoreError>) {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut writes = Vec::new();
    let mut open = begun.map_err(|error| StoreError::from(sql::Error::from(error)));
    for mut write in batch {
        let ended = match &open {
            Ok(open) => {
                let transaction = Transaction::sqlite(open);
                write.run_in_savepoint(&transaction);
                transaction.has_ended()
            }
            Err(error) => {
                write.fail(error.clone());
                false
            }
        };
        // A full or failing disk ends the transaction at once; later writes would run outside any transaction.
        if ended {
            open = Err(StoreError::RolledBack(Arc::new(write.error().unwrap_or(StoreError::Closed))));
        }
        writes.push(write);
    }
    crash::point("before-commit");
    let committed = open.and_then(|open| open.commit().map_err(|error| sql::Error::from(error).into()));
    (writes, committed)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::sql::Scope;
    use crate::values;
    use crate::write::{Mode, Pending};

    /// Returns a write of this many bytes, and the receiver of its result.
    fn insert(bytes: i64) -> (QueuedWrite, oneshot::Receiver<Result<usize, StoreError>>) {
        let (sender, receiver) = oneshot::channel();
        let insert = move |transaction: &Transaction<'_>| {
            transaction.execute("INSERT INTO t VALUES (zeroblob(?1))", values![bytes])
        };
        (Pending::queued(Scope::Rows, Mode::NORMAL, insert, sender), receiver)
    }

    #[test]
    fn a_full_disk_rolls_back_the_whole_commit_and_fails_every_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = Connection::open(folder.path().join("test.db")).expect("a database");
        connection.execute_batch("PRAGMA page_size = 4096; CREATE TABLE t (b BLOB)").expect("a table");
        connection.pragma_update(None, "max_page_count", 20).expect("a limit");
        let (writes, receivers): (Vec<_>, Vec<_>) = [10, 1_000_000, 10].map(insert).into_iter().unzip();
        let (writes, committed) = commit(&mut connection, writes.into_iter());
        assert!(
            matches!(&committed, Err(StoreError::RolledBack(why)) if why.to_string().contains("full")),
            "{committed:?}"
        );
        writes.into_iter().for_each(|write| write.reply(committed.clone()));
        for mut receiver in receivers {
            let error = receiver.try_recv().expect("an answer").expect_err("nothing was written");
            assert!(error.to_string().contains("full"), "{error}");
        }
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a count");
        assert_eq!(rows, 0);
        let (write, mut receiver) = insert(10);
        let (writes, committed) = commit(&mut connection, std::iter::once(write));
        writes.into_iter().for_each(|write| write.reply(committed.clone()));
        assert!(receiver.try_recv().expect("an answer").is_ok());
    }
}
