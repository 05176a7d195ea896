//! Accepted events and leased deliveries per second: a SQLite file, and Postgres on the same disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use frontgate_delivery::Store;
use frontgate_delivery::job::{Kind, NewDelivery};
use frontgate_delivery::measuring::Queue;
use frontgate_delivery::store::StoredAnswer;
use frontgate_store::{Database, Settings};
use frontgate_tests::{Database as TestDatabase, execute_sqlite};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::Plan;
use crate::report::{Goal, Report, Series};

/// Concurrent callbacks.
const CALLERS: usize = 64;

/// Numbers of waiting deliveries.
const SHALLOW: u64 = 1_000;
const DEEP: u64 = 1_000_000;

const ACCEPTED: &str = "accepted";
const LEASED: &str = "leased and ended";
const SQLITE: &str = "SQLite";
const POSTGRES: &str = "Postgres";
const TWO: &str = "two gateways on Postgres";
const DEPTHS: [(&str, u64); 2] = [("1,000 waiting", SHALLOW), ("1,000,000 waiting", DEEP)];
const OLD_SNAPSHOT: &str = "Postgres, an old snapshot held";

/// Measures both engines in turn.
pub(crate) fn store(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("store", "events accepted, and deliveries leased and ended, on disk");
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}", folder.path().join("bench.db").display());
    let postgres = TestDatabase::create();
    let mut series = Series::default();
    let file = open(&runtime, &sqlite)?;
    let servers = [open(&runtime, &postgres.url())?, open(&runtime, &postgres.url())?];
    for _ in 0..plan.rounds {
        series.push(SQLITE, ACCEPTED, accept(&runtime, plan, &[Arc::clone(&file)])?);
        series.push(POSTGRES, ACCEPTED, accept(&runtime, plan, &[Arc::clone(&servers[0])])?);
        series.push(TWO, ACCEPTED, accept(&runtime, plan, &servers)?);
    }
    for engine in [SQLITE, POSTGRES, TWO] {
        part.figure(format!("accepted: {engine}"), "1/s", series.get(engine, ACCEPTED), None);
    }
    part.figure("accepted: Postgres / SQLite", "", &series.ratio(ACCEPTED, POSTGRES, SQLITE), Some(Goal::AtLeast(0.9)));
    part.figure("accepted: two gateways / one", "", &series.ratio(ACCEPTED, TWO, POSTGRES), Some(Goal::AtLeast(0.9)));
    drop(servers);
    for engine in [SQLITE, POSTGRES] {
        let queues = DEPTHS.map(|(_, depth)| Waiting::fill(&runtime, engine, depth));
        let [shallow, deep] = queues;
        let queues = [shallow?, deep?];
        for _ in 0..plan.rounds {
            for ((name, _), queue) in DEPTHS.iter().zip(&queues) {
                let server = format!("{engine}, {name}");
                series.push(&*server, ACCEPTED, accept(&runtime, plan, &[Arc::clone(&queue.store)])?);
                series.push(&*server, LEASED, lease(&runtime, plan, queue)?);
            }
        }
        let [shallow, deep] = DEPTHS.map(|(name, _)| format!("{engine}, {name}"));
        for measure in [ACCEPTED, LEASED] {
            for server in [&shallow, &deep] {
                part.figure(format!("{measure}: {server}"), "1/s", series.get(server, measure), None);
            }
            let ratio = series.ratio(measure, &deep, &shallow);
            part.figure(format!("{measure}: {deep} / 1,000"), "", &ratio, Some(Goal::AtLeast(0.9)));
        }
        if let Base::Postgres(database) = &queues[1].base {
            let held = database.hold_snapshot();
            for _ in 0..plan.rounds {
                series.push(OLD_SNAPSHOT, LEASED, lease(&runtime, plan, &queues[1])?);
            }
            drop(held);
            let ratio = series.ratio(LEASED, OLD_SNAPSHOT, &deep);
            part.figure("leased: an old snapshot held / none", "", &ratio, Some(Goal::AtLeast(0.5)));
        }
    }
    Ok(())
}

/// A database whose queue is filled.
enum Base {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

/// A queue of deliveries that are due.
struct Waiting {
    base: Base,
    store: Arc<Store>,
    queue: Queue,
}

impl Waiting {
    fn fill(runtime: &Runtime, engine: &str, depth: u64) -> anyhow::Result<Self> {
        let base =
            if engine == SQLITE { Base::Sqlite(tempfile::tempdir()?) } else { Base::Postgres(TestDatabase::create()) };
        let store = open(runtime, &base.url())?;
        if let Base::Postgres(database) = &base {
            database.execute(
                "INSERT INTO replicas (id, name, program, speaks, config, tenants, started_ms, beat_ms, state)
                   VALUES (1, '-', '-', 1, '-', '[]', 0, 0, 'up');
                 INSERT INTO keepers (tenant, part, replica, fence, since_ms) VALUES ('demo', 'twilio', 1, 1, 0)",
            );
        }
        base.add(depth);
        Ok(Self { base, queue: Queue::new(Arc::clone(&store), 1, 1), store })
    }
}

impl Base {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("bench.db").display()),
            Self::Postgres(database) => database.url(),
        }
    }

    /// Adds deliveries that are due. On Postgres, triggers count them afterwards, in one statement.
    fn add(&self, count: u64) {
        let into =
            "INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, due_ms, created_ms,
                                            since_ms, changed_ms)
                    SELECT 'demo', 'conversations', '-'";
        // Accepted events are due now; these are due long before.
        let had = "(SELECT coalesce(max(due_ms), 0) FROM deliveries WHERE due_ms < 1000000000)";
        match self {
            Self::Sqlite(folder) => {
                execute_sqlite(
                    &folder.path().join("bench.db"),
                    &format!(
                        "WITH RECURSIVE numbers (number) AS (
                   SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count})
                 {into}, 'CH' || lower(hex(randomblob(16))), '[]', '-', 'ready', {had} + number, 1, 1, 1 FROM numbers"
                    ),
                );
            }
            Self::Postgres(database) => drop(database.execute(&format!(
                "ALTER TABLE deliveries DISABLE TRIGGER delivery_added;
                 {into}, 'CH' || gen_random_uuid(), '[]', '-', 'ready', {had} + number, 1, 1, 1
                   FROM generate_series(1, {count}) AS number;
                 ALTER TABLE deliveries ENABLE TRIGGER delivery_added;
                 ANALYZE deliveries"
            ))),
        }
    }
}

fn open(runtime: &Runtime, url: &str) -> anyhow::Result<Arc<Store>> {
    let settings = Settings { url: url.to_owned(), waiting_per_tenant_max: u64::MAX >> 1, ..Settings::default() };
    let database = Arc::new(Database::open(&settings)?);
    Ok(Arc::new(runtime.block_on(Store::open(&database, &settings))?))
}

/// Accepts events of many conversations for the planned time; returns the number per second.
fn accept(runtime: &Runtime, plan: Plan, stores: &[Arc<Store>]) -> anyhow::Result<f64> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let (began, mut callers) = (Instant::now(), JoinSet::new());
    for caller in 0..CALLERS {
        let store = Arc::clone(&stores[caller % stores.len()]);
        callers.spawn_on(
            async move {
                let mut count = 0_u64;
                while began.elapsed() < plan.time {
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    let identities = vec![format!("event {number}"), format!("signature {number}")];
                    let answer = StoredAnswer { body: b"{}".to_vec(), rejected: false };
                    store.accept("demo", identities, answer, Some(delivery(number))).await?;
                    count += 1;
                }
                Ok::<_, anyhow::Error>(count)
            },
            runtime.handle(),
        );
    }
    let mut all = 0;
    runtime.block_on(async {
        while let Some(count) = callers.join_next().await {
            all += count??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(all as f64 / began.elapsed().as_secs_f64())
}

fn delivery(number: u64) -> NewDelivery {
    NewDelivery {
        tenant: "demo".into(),
        kind: Kind::Conversations,
        name: "onMessageAdded".to_owned(),
        conversation: format!("CH{number:032}"),
        payload: "x".repeat(1_024),
        channel: None,
        message: None,
        request: "00000000-0000-0000-0000-000000000000".into(),
    }
}

/// Leases and ends deliveries for the planned time; returns the number per second. Keeps the number of waiting ones.
fn lease(runtime: &Runtime, plan: Plan, waiting: &Waiting) -> anyhow::Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < plan.time {
        let ended = runtime.block_on(waiting.queue.lease_and_end(16)).context("a lease")?;
        count += ended as u64;
        if ended == 0 {
            break;
        }
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    waiting.base.add(count.max(1));
    Ok(rate)
}
