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
use frontgate_tests::Database as TestDatabase;
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
const LEASED: &str = "leased";
const SQLITE: &str = "SQLite";
const POSTGRES: &str = "Postgres";
const TWO: &str = "two gateways on Postgres";
const SHALLOW_QUEUE: &str = "Postgres, 1,000 waiting";
const DEEP_QUEUE: &str = "Postgres, 1,000,000 waiting";
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
    for (name, depth) in [(SHALLOW_QUEUE, SHALLOW), (DEEP_QUEUE, DEEP)] {
        let database = TestDatabase::create();
        let queue = waiting(&runtime, &database, depth)?;
        for _ in 0..plan.rounds {
            series.push(name, LEASED, lease(&runtime, plan, &database, &queue)?);
        }
        if depth == DEEP {
            let held = database.hold_snapshot();
            for _ in 0..plan.rounds {
                series.push(OLD_SNAPSHOT, LEASED, lease(&runtime, plan, &database, &queue)?);
            }
            drop(held);
        }
    }
    for name in [SHALLOW_QUEUE, DEEP_QUEUE, OLD_SNAPSHOT] {
        part.figure(format!("leased and ended: {name}"), "1/s", series.get(name, LEASED), None);
    }
    let deep = series.ratio(LEASED, DEEP_QUEUE, SHALLOW_QUEUE);
    part.figure("leased: 1,000,000 waiting / 1,000", "", &deep, Some(Goal::AtLeast(0.9)));
    let held = series.ratio(LEASED, OLD_SNAPSHOT, DEEP_QUEUE);
    part.figure("leased: an old snapshot held / none", "", &held, Some(Goal::AtLeast(0.5)));
    Ok(())
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

/// Fills a database with deliveries that are due, and returns their queue.
fn waiting(runtime: &Runtime, database: &TestDatabase, depth: u64) -> anyhow::Result<Queue> {
    let settings = Settings { url: database.url(), ..Settings::default() };
    let opened = Arc::new(Database::open(&settings)?);
    let store = runtime.block_on(Store::open(&opened, &settings))?;
    database.execute(
        "INSERT INTO replicas (id, name, program, speaks, config, tenants, started_ms, beat_ms, state)
           VALUES (1, '-', '-', 1, '-', '[]', 0, 0, 'up');
         INSERT INTO keepers (tenant, part, replica, fence, since_ms) VALUES ('demo', 'twilio', 1, 1, 0)",
    );
    refill(database, depth);
    Ok(Queue::new(Arc::new(store), 1, 1))
}

/// Adds deliveries. Triggers count them afterwards, in one statement.
fn refill(database: &TestDatabase, count: u64) {
    database.execute(&format!(
        "ALTER TABLE deliveries DISABLE TRIGGER delivery_added;
         INSERT INTO deliveries (tenant, kind, name, conversation, payload, request, state, due_ms, created_ms,
                                 since_ms, changed_ms)
           SELECT 'demo', 'conversations', '-', 'CH' || gen_random_uuid(), '[]', '-', 'ready', had + number, 1, 1, 1
           FROM generate_series(1, {count}) AS number, (SELECT coalesce(max(due_ms), 0) AS had FROM deliveries) AS all_due;
         ALTER TABLE deliveries ENABLE TRIGGER delivery_added;
         ANALYZE deliveries"
    ));
}

/// Leases and ends deliveries for the planned time; returns the number per second. Keeps the number of waiting ones.
fn lease(runtime: &Runtime, plan: Plan, database: &TestDatabase, queue: &Queue) -> anyhow::Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < plan.time {
        let ended = runtime.block_on(queue.lease_and_end(16)).context("a lease")?;
        count += ended as u64;
        if ended == 0 {
            break;
        }
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    refill(database, count);
    Ok(rate)
}
