//! Model test of the queue: random steps of workers, operators and crashes.
//!
//! Checks that no delivery is lost or stuck, and that events of a conversation are never executed concurrently.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::Row;
use frontgate_store::{Shared, values};
use proptest::prelude::*;

use super::queue::Next;
use super::queue_admin::{QueueAdmin, Resolution};
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
    held: Vec<Arc<Delivery>>,
    accepted: usize,
}

const TENANT: &str = "demo";
const ANY_DUE: Duration = Duration::ZERO;

async fn open(config: &frontgate_store::Settings) -> Store {
    Store::open(&Arc::new(Database::open(config).expect("a database")), config).await.expect("a store")
}

impl World {
    async fn new(folder: &Path) -> Self {
        let url = format!("sqlite:{}", folder.join("test.db").display());
        let config = frontgate_store::Settings { url, ..frontgate_store::Settings::default() };
        Self { store: Some(open(&config).await), config, held: Vec::new(), accepted: 0 }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    fn admin(&self) -> QueueAdmin {
        QueueAdmin::open(self.store().database.path()).expect("the database")
    }

    async fn claim(&mut self, kind: Kind) -> bool {
        match self.store().claim(TENANT, kind, ANY_DUE, &[]).await.expect("a claim") {
            Next::Delivery(delivery) => self.held.push(delivery),
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
            Step::Retry { which } => drop(self.admin().retry(id(which))),
            Step::Resolve { which, sent } => {
                drop(self.admin().resolve(id(which), if sent { Resolution::Sent } else { Resolution::NotSent }));
            }
            Step::Cancel { which } => drop(self.admin().cancel(id(which))),
            Step::Crash => {
                self.held.clear();
                // Opening waits until the file is unlocked.
                self.store = None;
                self.store = Some(open(&self.config).await);
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
        let all = self.admin().list(None, None, 10_000).expect("a list");
        assert_eq!(all.len(), self.accepted);
        self.check_shares();
    }

    /// Checks that the triggers' counts match the rows.
    fn check_shares(&self) {
        let beside = Shared::open(self.store().database.path()).expect("the database");
        let ended = "state IN ('sent', 'failed', 'cancelled')";
        let counted = "SELECT coalesce(sum(waiting), 0), coalesce(sum(waiting_bytes), 0), coalesce(sum(kept), 0),
                         coalesce(sum(kept_bytes), 0) FROM store_shares WHERE channel = 0";
        let there = format!(
            "SELECT coalesce(sum(NOT {ended}), 0), coalesce(sum(NOT {ended}), 0) * 2,
               coalesce(sum({ended}), 0), coalesce(sum({ended}), 0) * 2 FROM deliveries"
        );
        let look = |select: &str| {
            let row = |row: &Row<'_>| Ok([row.get::<i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
            beside.read(|read| read.one(select, values![], row)).expect("numbers")
        };
        assert_eq!(look(counted), look(&there));
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
        let stuck = open.map(|state| self.admin().list(Some(state), None, 10).expect("a list"));
        assert!(stuck.iter().all(Vec::is_empty), "{stuck:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_delivery_is_lost_stuck_or_out_of_order(steps in proptest::collection::vec(step(), 0..60)) {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new(folder.path()).await;
            for step in steps {
                world.take(step).await;
                world.check();
            }
            world.finish().await;
        });
    }
}
