//! The one thread that writes: what has come together shares a commit, and the wait for the disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::disk::{self, Watch};
use super::queue::{Found, Queue};
use super::{StoreError, crash};

/// Writes of one commit: many share the wait for the disk.
const COMMIT_MAX: usize = 64;

/// How long a commit is filled: writes of many megabytes do not delay the next tenant's by more.
const COMMIT_TIME_MAX: Duration = Duration::from_millis(5);

/// Does its part of a commit, or learns that there is none; says what went wrong with its own part.
pub(super) type Work = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> (Reply, Option<StoreError>) + Send>;
/// Tells the caller, once it is on disk or known not to be.
pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Undoes what failed, and nothing else: one write must not undo those that share its commit.
pub fn in_savepoint<T, E: From<rusqlite::Error>>(
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    transaction.execute_batch("SAVEPOINT one")?;
    let result = work(transaction);
    let end = if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    let ended = transaction.execute_batch(end);
    // Where the database has taken everything back already, its first words say why.
    result.and_then(|value| ended.map(|()| value).map_err(E::from))
}

/// Writes until the queue is closed. A commit takes what waits in the order of the tenants'
/// turns, also what came while it was filled.
pub(super) fn write(mut connection: Connection, queue: &Queue, watch: &mut Watch) {
    loop {
        let first = match queue.wait(disk::LOOK_INTERVAL) {
            Found::Work(work) => work,
            Found::Nothing => {
                watch.look_in_time();
                continue;
            }
            Found::Closed => return,
        };
        watch.look_in_time();
        let until = Instant::now() + COMMIT_TIME_MAX;
        let more = std::iter::from_fn(|| if Instant::now() < until { queue.next() } else { None });
        let batch = std::iter::once(first).chain(more.take(COMMIT_MAX - 1));
        let (replies, committed) = commit(&mut connection, batch);
        if let Err(error) = &committed {
            tracing::error!("the store cannot write: {error}");
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
    let mut open = begun.map_err(StoreError::from);
    for work in batch {
        let (reply, own) = work(open.as_ref().map_err(Clone::clone));
        replies.push(reply);
        // A full disk, or one that fails, ends the transaction on the spot. Whatever came after it would
        // be written on its own.
        if open.as_ref().is_ok_and(|transaction| transaction.is_autocommit()) {
            let why = own.unwrap_or(StoreError::Closed);
            open = Err(StoreError::TakenBack(Arc::new(why)));
        }
    }
    crash::point("before-commit");
    let committed = open.and_then(|transaction| Ok(transaction.commit()?));
    (replies, committed)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// A write of so many bytes, and what its caller hears.
    fn insert(bytes: i64) -> (Work, oneshot::Receiver<Result<(), StoreError>>) {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result = transaction.and_then(|transaction| {
                let insert = "INSERT INTO t VALUES (zeroblob(?1))";
                Ok(in_savepoint(transaction, |transaction| transaction.execute(insert, [bytes]).map(drop))?)
            });
            let own = result.as_ref().err().cloned();
            let reply: Reply = Box::new(move |committed| drop(tell.send(result.and(committed))));
            (reply, own)
        });
        (work, told)
    }

    #[test]
    fn a_full_disk_takes_the_whole_commit_back_and_says_so_to_everybody() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = Connection::open(folder.path().join("test.db")).expect("a database");
        connection.execute_batch("PRAGMA page_size = 4096; CREATE TABLE t (b BLOB)").expect("a table");
        connection.pragma_update(None, "max_page_count", 20).expect("a limit");
        let (works, told): (Vec<_>, Vec<_>) = [10, 1_000_000, 10].map(insert).into_iter().unzip();
        let (replies, committed) = commit(&mut connection, works.into_iter());
        assert!(
            matches!(&committed, Err(StoreError::TakenBack(why)) if why.to_string().contains("full")),
            "{committed:?}"
        );
        replies.into_iter().for_each(|reply| reply(committed.clone()));
        for mut told in told {
            let heard = told.try_recv().expect("an answer").expect_err("nothing was written");
            assert!(heard.to_string().contains("full"), "{heard}");
        }
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a count");
        assert_eq!(rows, 0);
        let (work, mut told) = insert(10);
        let (replies, committed) = commit(&mut connection, std::iter::once(work));
        replies.into_iter().for_each(|reply| reply(committed.clone()));
        assert!(told.try_recv().expect("an answer").is_ok());
    }
}
