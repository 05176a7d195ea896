//! Model test of the queue: random steps of workers, operators and crashes.
//!
//! Checks that no delivery is lost or stuck, and that events of a conversation are never executed concurrently.

mod interleaving;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{self, Row};
use frontgate_store::{Shared, values};
use frontgate_test_postgres::Place;
use proptest::prelude::*;

use super::queue::{Next, Wanted};
use super::queue_admin::{Change, DeliveryFilter, QueueAdmin, Resolution};
use super::*;
use crate::job::{Delivery, Kind, NewDelivery, State, Transition};

#[derive(Debug, Clone)]
enum Step {
    Accept { conversation: u8, routing: bool },
    Claim { routing: bool },
    Settle { which: usize, state: usize, waits_for_plugin: bool },
    Retry { which: usize },
    Resolve { which: usize, sent: bool },
    Cancel { which: usize },
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..5_usize;
    prop_oneof![
        4 => (0..2_u8, prop::bool::weighted(0.2)).prop_map(|(conversation, routing)| Step::Accept { conversation, routing }),
        6 => prop::bool::weighted(0.2).prop_map(|routing| Step::Claim { routing }),
        5 => (which.clone(), 0..5_usize, any::<bool>())
            .prop_map(|(which, state, waits_for_plugin)| Step::Settle { which, state, waits_for_plugin }),
        3 => which.clone().prop_map(|which| Step::Retry { which }),
        1 => (which.clone(), any::<bool>()).prop_map(|(which, sent)| Step::Resolve { which, sent }),
        1 => which.prop_map(|which| Step::Cancel { which }),
        1 => Just(Step::Crash),
    ]
}

/// The store, the deliveries that are leased, and the number of accepted events.
struct World {
    config: frontgate_store::Settings,
    store: Option<Store>,
    admin: Mutex<QueueAdmin>,
    /// This process, in a database that could be shared.
    replica: Option<i64>,
    fence: i64,
    held: Vec<Arc<Delivery>>,
    accepted: usize,
}

const TENANT: &str = "demo";
const ANY_DUE: Duration = Duration::ZERO;

/// Runs a closure that blocks its thread, which must not be one of a runtime.
pub(super) fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join()).expect("no panic")
}

pub(super) async fn open(config: &frontgate_store::Settings) -> Store {
    let database = Arc::new(Database::open(config).expect("a database"));
    if config.is_shared() {
        return Store::new(&database, config, Replica::alone(), None);
    }
    Store::open(&database, config).await.expect("a store")
}

impl World {
    async fn new(place: &Place) -> Self {
        let config = frontgate_store::Settings { url: place.url(), connections_max: 2, ..Default::default() };
        let store = open(&config).await;
        let admin = Mutex::new(blocking(|| QueueAdmin::open(&config).expect("the database")));
        let mut world =
            Self { store: Some(store), config, admin, replica: None, fence: 0, held: Vec::new(), accepted: 0 };
        world.join();
        world
    }

    /// Registers this process, and ends the previous one.
    fn join(&mut self) {
        if !self.config.is_shared() {
            return;
        }
        let join = |transaction: &Transaction<'_>| {
            transaction.execute("UPDATE replicas SET state = 'ended', gone = TRUE", values![])?;
            let insert = "INSERT INTO replicas (name, program, speaks, config, tenants, started_ms, beat_ms, state)
                          VALUES ('-', '-', 1, '-', '[]', 0, 0, 'up') RETURNING id";
            let id: i64 = transaction.value(insert, values![])?;
            for part in ["twilio", "front"] {
                let take = "INSERT INTO keepers (tenant, part, replica, fence, since_ms) VALUES (?1, ?2, ?3, ?4, 0)
                            ON CONFLICT (tenant, part) DO UPDATE SET replica = excluded.replica, fence = excluded.fence";
                transaction.execute(take, values![TENANT, part, id, id])?;
            }
            Ok::<_, sql::Error>(id)
        };
        let id = blocking(|| Shared::open(&self.config).expect("the database").write(&Scope::Rows, join));
        let id = id.expect("a row");
        (self.replica, self.fence) = (Some(id), id);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    fn admin<T: Send>(&self, work: impl FnOnce(&mut QueueAdmin) -> T + Send) -> T {
        blocking(|| work(&mut self.admin.lock()))
    }

    async fn claim(&mut self, kind: Kind) -> bool {
        let wanted = Wanted {
            tenant: TENANT.into(),
            kind,
            most: 1,
            longest: ANY_DUE,
            busy: Vec::new(),
            floor: queue::ALL,
            replica: self.replica,
            fence: self.fence,
        };
        match self.store().claim(wanted).await.expect("a claim") {
            Next::Deliveries { all, .. } => self.held.extend(all),
            Next::In(_) | Next::Nothing => return false,
        }
        true
    }

    async fn settle(&mut self, which: usize, state: State, waits_for_plugin: bool) {
        if self.held.is_empty() {
            return;
        }
        let delivery = self.held.remove(which % self.held.len());
        let transition = Transition {
            pause: Some(Duration::ZERO),
            waits_for_plugin: waits_for_plugin && state == State::Ready,
            maybe_sent: state == State::Unknown,
            ..Transition::new(state, 0)
        };
        assert!(self.store().settle(TENANT, &delivery, transition).await.expect("a write"), "a lease was lost");
    }

    async fn take(&mut self, step: Step) {
        let id = |which: usize| i64::try_from(which + 1).expect("a small number");
        match step {
            Step::Accept { conversation, routing } => {
                let delivery = NewDelivery {
                    tenant: TENANT.into(),
                    kind: if routing { Kind::Routing } else { Kind::Conversations },
                    name: "event".to_owned(),
                    conversation: format!("CH{conversation}"),
                    payload: "[]".to_owned(),
                    channel: None,
                    message: None,
                    request: "request".into(),
                };
                let answer = StoredAnswer { body: b"{}".to_vec(), rejected: false };
                let identity = vec![self.accepted.to_string()];
                self.store().accept(TENANT, identity, answer, Some(delivery)).await.expect("a write");
                self.accepted += 1;
            }
            Step::Claim { routing: true } => drop(self.claim(Kind::Routing).await),
            Step::Claim { routing: false } => drop(self.claim(Kind::Conversations).await),
            Step::Settle { which, state, waits_for_plugin } => {
                let states = [State::Ready, State::Unknown, State::Sent, State::Dead, State::Dead];
                self.settle(which, states[state], waits_for_plugin).await;
            }
            // The state of the delivery decides whether the command is allowed.
            Step::Retry { which } => drop(self.admin(|admin| admin.change(id(which), Change::Retry))),
            Step::Resolve { which, sent } => {
                let resolution = if sent { Resolution::Sent } else { Resolution::NotSent };
                drop(self.admin(|admin| admin.change(id(which), Change::Resolve(resolution))));
            }
            Step::Cancel { which } => drop(self.admin(|admin| admin.change(id(which), Change::Cancel))),
            Step::Crash => {
                self.held.clear();
                // Opening waits until the file is unlocked.
                self.store = None;
                self.store = Some(open(&self.config).await);
                if self.config.is_shared() {
                    self.join();
                    self.store().release_ended().await.expect("a write");
                }
            }
        }
    }

    /// Checks that at most one event of each conversation is leased; routings are exempt.
    fn check(&self) {
        let mut working: BTreeMap<&str, usize> = BTreeMap::new();
        for delivery in self.held.iter().filter(|delivery| delivery.kind == Kind::Conversations) {
            *working.entry(&delivery.conversation).or_default() += 1;
        }
        assert!(working.values().all(|count| *count == 1), "{working:?}");
        let all = self.admin(|admin| admin.list(&DeliveryFilter::default(), 10_000)).expect("a list");
        assert_eq!(all.len(), self.accepted);
        self.check_shares();
    }

    /// Checks that the triggers' counts match the rows.
    fn check_shares(&self) {
        let counted =
            "SELECT CAST(coalesce(sum(waiting), 0) AS bigint), CAST(coalesce(sum(waiting_bytes), 0) AS bigint),
                         CAST(coalesce(sum(kept), 0) AS bigint), CAST(coalesce(sum(kept_bytes), 0) AS bigint)
                       FROM shares WHERE channel = 0";
        let there = "SELECT count(*), count(*) * 2 FROM deliveries WHERE state IN ('sent', 'failed', 'cancelled')";
        let counted = self.look(counted, |row| Ok([row.get::<i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
        let [ended, ended_bytes] = self.look(there, |row| Ok([row.get::<i64>(0)?, row.get(1)?]));
        let all = self.look("SELECT count(*) FROM deliveries", |row| row.get::<i64>(0));
        assert_eq!(counted, [all - ended, all * 2 - ended_bytes, ended, ended_bytes]);
    }

    fn look<T: Send>(&self, select: &str, row: fn(&Row<'_>) -> sql::Result<T>) -> T {
        blocking(|| {
            let beside = Shared::open(&self.config).expect("the database");
            beside.read(|read| read.one(select, values![], row)).expect("numbers")
        })
    }

    /// Checks that all open deliveries end if workers keep running.
    async fn finish(&mut self) {
        loop {
            while !self.held.is_empty() {
                self.settle(0, State::Sent, false).await;
            }
            let mut any = false;
            for kind in Kind::ALL {
                any |= self.claim(kind).await;
            }
            if !any {
                break;
            }
        }
        let open = [State::Ready, State::Leased, State::Unknown];
        let filter = |state| DeliveryFilter { states: vec![state], ..DeliveryFilter::default() };
        let stuck = open.map(|state| self.admin(|admin| admin.list(&filter(state), 10)).expect("a list"));
        assert!(stuck.iter().all(Vec::is_empty), "{stuck:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_delivery_is_lost_stuck_or_out_of_order(steps in proptest::collection::vec(step(), 0..60)) {
        for place in Place::both() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut world = World::new(&place).await;
                for step in steps.clone() {
                    world.take(step).await;
                    world.check();
                }
                world.finish().await;
            });
        }
    }
}
