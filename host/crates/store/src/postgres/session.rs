//! A session: one connection with a runtime of its own, used by one thread at a time.

use std::cell::{Cell as Flag, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, RowStream, SimpleQueryMessage, Statement};

use super::failure::Failure;
use super::{Server, parameter_type};
use crate::sql::{self, Cell, ReadRow, Row, Scope, Value};
use crate::write::Flush;

/// Longest wait for an answer of the server, after which the connection is treated as lost.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Time after which the server ends a session that is idle in a transaction: a suspended gateway must not keep a scope.
const IDLE_IN_TRANSACTION_MS: u32 = 5_000;

/// Number of prepared statements that a session keeps. Beyond it, all are dropped.
const STATEMENTS_MAX: usize = 500;

/// A connection to the server.
pub(crate) struct Session {
    // Dropped before the runtime that drives its connection.
    client: Client,
    runtime: Driver,
    server: Arc<Server>,
    statements: RefCell<HashMap<String, Statement>>,
    /// Whether a statement of the open transaction has failed.
    has_failed: Flag<bool>,
    is_lost: Flag<bool>,
}

/// The runtime that drives a connection. It may be dropped by a task of another runtime, so its end waits for nothing.
struct Driver(Option<Runtime>);

impl Driver {
    fn new() -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|error| Failure::Connection(error.to_string()))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("it is dropped last").block_on(future)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// The outcome of a commit.
pub(crate) enum Committed {
    /// The writes are on disk.
    Yes,
    /// The server has reported that they are not.
    No(Failure),
    /// The connection was lost before the answer: they may be on disk.
    Unclear(Failure),
}

impl Session {
    /// Connects to the server.
    pub(crate) fn open(server: &Arc<Server>) -> Result<Self, Failure> {
        let runtime = Driver::new()?;
        let client = runtime.block_on(server.connect())?;
        Ok(Self {
            client,
            runtime,
            server: Arc::clone(server),
            statements: RefCell::default(),
            has_failed: Flag::new(false),
            is_lost: Flag::new(false),
        })
    }

    /// Returns whether the connection is lost.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_lost.get() || self.client.is_closed()
    }

    /// Returns the id of the tables.
    pub(crate) fn installation(&self) -> &str {
        self.server.installation()
    }

    /// Returns the time by the clock of the server, as far as it is known.
    pub(crate) fn now_ms(&self) -> i64 {
        self.server.now_ms()
    }

    /// Begins a transaction that has its scopes to itself; returns the time by the clock of the server.
    ///
    /// Each lock is a statement of its own, so the following statements see everything that its previous owner committed.
    /// Locks are taken in the order of their keys, so two transactions never wait for each other. All parts of the
    /// beginning are one message to the server.
    pub(crate) fn begin<'s>(&self, scopes: impl IntoIterator<Item = &'s Scope>, flush: Flush) -> Result<i64, Failure> {
        self.has_failed.set(false);
        let installation = self.server.installation();
        let keys: BTreeSet<i64> = scopes.into_iter().flat_map(|scope| keys(scope, installation)).collect();
        let lock: String = keys.iter().map(|key| format!("SELECT pg_advisory_xact_lock({key}); ")).collect();
        let flushed = if flush == Flush::Wait { "on" } else { "off" };
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = \
             {IDLE_IN_TRANSACTION_MS}; SET LOCAL synchronous_commit = {flushed}; {lock} SELECT now_ms()",
            self.server.timeout.as_millis(),
        );
        let answers = self.wait(self.client.simple_query(&begin))?;
        let time = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        let time = time.ok_or_else(|| Failure::Connection("the server sent no time".to_owned()))?;
        self.server.note_clock(time);
        Ok(time)
    }

    /// Commits the open transaction.
    pub(crate) fn commit(&self) -> Committed {
        if self.has_failed.get() {
            self.roll_back();
            return Committed::No(Failure::Aborted);
        }
        match self.wait(self.client.batch_execute("COMMIT")) {
            Ok(()) => Committed::Yes,
            Err(failure) if !failure.is_of_connection() => {
                self.roll_back();
                Committed::No(failure)
            }
            Err(failure) => Committed::Unclear(failure),
        }
    }

    /// Rolls back the open transaction. If that fails, the connection is lost, and the server rolls back.
    pub(crate) fn roll_back(&self) {
        if !self.is_closed() && self.wait(self.client.batch_execute("ROLLBACK")).is_err() {
            self.is_lost.set(true);
        }
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> sql::Result<()> {
        self.wait(self.client.batch_execute(sql))?;
        if sql.starts_with("ROLLBACK TO") {
            self.has_failed.set(false);
        }
        Ok(())
    }

    /// Runs a statement and reads its rows until `read` returns false; returns the number of changed rows.
    pub(crate) fn query(&self, sql: &str, values: &[&dyn Value], read: &mut ReadRow<'_>) -> sql::Result<usize> {
        let cells: Vec<_> = values.iter().map(|value| (value.cell(), parameter_type(value.kind()))).collect();
        let mut is_wanted = true;
        let mut failed = Ok(());
        let changed = self.wait(async {
            let mut rows = pin!(self.start(sql, &cells).await?);
            while let Some(row) = rows.try_next().await? {
                if is_wanted {
                    is_wanted = read(&Row::postgres(&row)).unwrap_or_else(|error| {
                        failed = Err(error);
                        false
                    });
                }
            }
            Ok::<_, tokio_postgres::Error>(rows.rows_affected().unwrap_or_default())
        })?;
        failed?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    async fn start(&self, sql: &str, cells: &[(Cell<'_>, Type)]) -> Result<RowStream, tokio_postgres::Error> {
        if !self.server.prepared {
            return self
                .client
                .query_typed_raw(&translate(sql), cells.iter().map(|(cell, kind)| (cell, kind.clone())))
                .await;
        }
        let known = self.statements.borrow().get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => {
                let kinds: Vec<Type> = cells.iter().map(|(_, kind)| kind.clone()).collect();
                let statement = self.client.prepare_typed(&translate(sql), &kinds).await?;
                let mut statements = self.statements.borrow_mut();
                if statements.len() >= STATEMENTS_MAX {
                    statements.clear();
                }
                statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        self.client.query_raw(&statement, cells.iter().map(|(cell, _)| cell)).await
    }

    /// Waits for an answer of the server.
    fn wait<T, E: Into<Failure>>(&self, answer: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
        let result = match self.runtime.block_on(async { timeout(ANSWER_MAX, answer).await }) {
            Ok(result) => result.map_err(Into::into),
            Err(_) => Err(Failure::Connection(format!("no answer for {} s", ANSWER_MAX.as_secs()))),
        };
        if let Err(failure) = &result {
            self.has_failed.set(true);
            self.is_lost.set(self.is_lost.get() || !failure.is_of_server());
        }
        result
    }
}

/// Returns the keys of the locks of a scope.
fn keys(scope: &Scope, installation: &str) -> Vec<i64> {
    match scope {
        Scope::All(scopes) => scopes.iter().flat_map(|scope| keys(scope, installation)).collect(),
        scope => key(scope, installation).into_iter().collect(),
    }
}

/// Returns the key of a scope's lock: the first 64 bits of a digest. A collision makes one write wait for another.
fn key(scope: &Scope, installation: &str) -> Option<i64> {
    let name = match scope {
        Scope::Conversation { tenant, conversation } => format!("conversation {tenant} {conversation}"),
        Scope::Channel(channel) => format!("channel {channel}"),
        Scope::App { tenant, app } => format!("app {tenant} {app}"),
        Scope::Bucket { plugin, tenant } => format!("bucket {tenant} {plugin}"),
        Scope::Customers(tenant) => format!("customers {tenant}"),
        Scope::Rollouts => "rollouts".to_owned(),
        Scope::All(_) | Scope::Rows => return None,
    };
    Some(named_key(&name, installation))
}

/// Returns the key of the lock with this name.
pub(super) fn named_key(name: &str, installation: &str) -> i64 {
    let digest = Sha256::digest(format!("frontgate {installation} {name}"));
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

/// Converts the text of a statement: `?1` becomes `$1`, and SQLite's hints are dropped.
fn translate(sql: &str) -> String {
    let mut words = sql.split(" INDEXED BY ");
    let mut text = words.next().unwrap_or_default().to_owned();
    for rest in words {
        // The name of the index ends at the next space.
        text.push_str(rest.find(char::is_whitespace).map_or("", |end| &rest[end..]));
    }
    text.replace('?', "$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_renamed_and_hints_are_dropped() {
        let sql = "SELECT a FROM t INDEXED BY t_a WHERE a = ?1 AND b IN (SELECT b FROM u INDEXED BY u_b\n LIMIT ?2)";
        let text = "SELECT a FROM t WHERE a = $1 AND b IN (SELECT b FROM u\n LIMIT $2)";
        assert_eq!(translate(sql), text);
    }

    #[test]
    fn each_scope_has_its_own_lock() {
        let conversation = |name: &str| Scope::Conversation { tenant: "a".into(), conversation: name.to_owned() };
        assert_eq!(key(&conversation("CH1"), "i"), key(&conversation("CH1"), "i"));
        assert_ne!(key(&conversation("CH1"), "i"), key(&conversation("CH2"), "i"));
        assert_ne!(key(&conversation("CH1"), "i"), key(&conversation("CH1"), "j"));
        assert_eq!(key(&Scope::Rows, "i"), None);
    }
}
