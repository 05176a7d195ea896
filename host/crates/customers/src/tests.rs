//! Model test of the index: random batches, enumerations, erasures and crashes, on both engines.
//!
//! After every step, lists, searches, pages and addresses equal the model's, for each worker and at each gateway.

mod interrupted;
mod model;
mod moments;
mod questions;

use std::cell::Cell;
use std::sync::Arc;

use frontgate_contract::bindings::crm_source::{self, SourceCustomer, Team};
use frontgate_store::Database;
use frontgate_test_postgres::Place;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use self::model::{Known, Model};
use crate::{CursorKind, Readiness, Settings, SweepEnd, TenantCustomers, Write};

/// A customer as a step describes it, by positions in the lists of the model.
#[derive(Debug, Clone, Copy)]
struct Draft {
    id: usize,
    name: usize,
    seen_by: usize,
    company: usize,
    number: usize,
    version: Option<u8>,
    is_complete: bool,
}

#[derive(Debug, Clone)]
struct Reported {
    upserts: Vec<Draft>,
    removals: Vec<usize>,
    teams: Option<usize>,
    /// Whether the write is run once more, as after a commit whose end is unknown.
    twice: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Changes(Reported),
    Sweep(Reported),
    /// A batch that continues another cursor than the stored one.
    Stale(Reported, bool),
    /// Customers fetched by id, and changes that arrive before the answer.
    Fetched(Vec<usize>, Vec<Draft>, Option<Reported>),
    Begin {
        restart: bool,
    },
    /// `reached`: the write after which the process ends, if it does.
    Finish {
        reached: Option<u8>,
    },
    Accept,
    Forget {
        id: usize,
        crash: bool,
    },
    Allow {
        id: usize,
    },
    Prune,
    OtherSettings,
    OtherVersion,
    Reopen,
}

fn draft() -> impl Strategy<Value = Draft> {
    let whose = (0..model::IDS, 0..model::NAMES.len(), 0..model::VISIBILITIES);
    let what = (0..model::COMPANIES.len(), 0..model::NUMBERS.len());
    (whose, what, prop::option::weighted(0.3, 0..4_u8), any::<bool>()).prop_map(
        |((id, name, seen_by), (company, number), version, is_complete)| Draft {
            id,
            name,
            seen_by,
            company,
            number,
            version,
            is_complete,
        },
    )
}

fn reported() -> impl Strategy<Value = Reported> {
    let upserts = prop::collection::vec(draft(), 0..12);
    let removals = prop::collection::vec(0..model::IDS, 0..4);
    let teams = prop::option::weighted(0.3, 0..model::TEAMS);
    (upserts, removals, teams, any::<bool>()).prop_map(|(upserts, removals, teams, twice)| Reported {
        upserts,
        removals,
        teams,
        twice,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let asked = prop::collection::vec(0..model::IDS, 0..5);
    prop_oneof![
        5 => reported().prop_map(Step::Changes),
        5 => reported().prop_map(Step::Sweep),
        1 => (reported(), any::<bool>()).prop_map(|(reported, sweep)| Step::Stale(reported, sweep)),
        3 => (asked, prop::collection::vec(draft(), 0..3), prop::option::of(reported()))
            .prop_map(|(asked, found, meanwhile)| Step::Fetched(asked, found, meanwhile)),
        3 => any::<bool>().prop_map(|restart| Step::Begin { restart }),
        4 => prop::option::weighted(0.4, 0..4_u8).prop_map(|reached| Step::Finish { reached }),
        2 => Just(Step::Accept),
        1 => (0..model::IDS, any::<bool>()).prop_map(|(id, crash)| Step::Forget { id, crash }),
        1 => (0..model::IDS).prop_map(|id| Step::Allow { id }),
        1 => Just(Step::Prune),
        1 => Just(Step::OtherSettings),
        1 => Just(Step::OtherVersion),
        1 => Just(Step::Reopen),
    ]
}

/// One database with two gateways, of which the second only follows.
struct World {
    settings: frontgate_store::Settings,
    tenant: Arc<str>,
    runtime: tokio::runtime::Runtime,
    gateways: Option<[Arc<TenantCustomers>; 2]>,
    model: Model,
    cursors: u32,
    plugin: (u32, u32),
}

impl World {
    fn new(place: &Place, tenant: &str) -> Self {
        let settings = frontgate_store::Settings { url: place.url(), connections_max: 2, ..Default::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let model = Model::default();
        let mut world =
            Self { settings, tenant: tenant.into(), runtime, gateways: None, model, cursors: 0, plugin: (0, 0) };
        world.reopen();
        world
    }

    /// Ends the process, and starts another one.
    fn reopen(&mut self) {
        self.gateways = None;
        let main = Arc::new(Database::open(&self.settings).expect("a database"));
        let database = Database::open_customers(&self.settings, &main).expect("a database");
        let open = || {
            let settings = Settings { index: true, country: Some("BR".to_owned()), ..Settings::default() };
            Arc::new(TenantCustomers::new(&self.tenant, &settings, &database, self.runtime.handle()).expect("settings"))
        };
        let gateways = [open(), open()];
        for gateway in &gateways {
            self.runtime.block_on(gateway.follow()).expect("a read");
        }
        self.gateways = Some(gateways);
        self.begin_run();
    }

    /// Does what a run does first: reads the source's row, and finishes what a crash interrupted.
    fn begin_run(&mut self) {
        let (settings, digest) = (format!("settings {}", self.plugin.0), format!("digest {}", self.plugin.1));
        let own = Arc::clone(self.own());
        let row = self.runtime.block_on(own.prepare("crm", &settings, &digest)).expect("a write");
        assert_eq!(own.readiness() != Readiness::NotReady, self.model.is_ready);
        if row.is_removing() {
            self.runtime.block_on(own.remove_missing(false)).expect("a write");
        }
        if self.model.generation == 0 && self.model.sweeping == 0 {
            self.model.sweeping = 1;
        }
        self.runtime.block_on(own.note_run(None)).expect("a write");
    }

    fn own(&self) -> &Arc<TenantCustomers> {
        &self.gateways.as_ref().expect("gateways")[0]
    }

    fn next_cursor(&mut self) -> Vec<u8> {
        self.cursors += 1;
        self.cursors.to_be_bytes().to_vec()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Changes(reported) if self.model.is_ready => self.batch(CursorKind::Changes, reported),
            Step::Sweep(reported) if self.model.sweeping > 0 => self.batch(CursorKind::Sweep, reported),
            Step::Changes(_) | Step::Sweep(_) => {}
            Step::Stale(reported, sweep) => {
                let kind = if *sweep { CursorKind::Sweep } else { CursorKind::Changes };
                let next = self.next_cursor();
                let (batch, _) = batch(reported, next);
                assert_eq!(self.write(kind, b"another".to_vec(), batch), Write::Superseded);
            }
            Step::Fetched(asked, found, meanwhile) if self.model.is_ready => {
                self.fetched(asked, found, meanwhile.as_ref())
            }
            Step::Fetched(..) => {}
            Step::Begin { restart } => {
                let row = self.runtime.block_on(self.own().begin_sweep(*restart)).expect("a write");
                self.model.begin_sweep(*restart);
                assert_eq!(row.sweeping, self.model.sweeping);
            }
            Step::Finish { reached } if self.model.sweeping > 0 => self.finish(*reached),
            Step::Finish { .. } => {}
            Step::Accept => {
                self.runtime.block_on(self.own().remove_missing(true)).expect("a write");
                self.model.remove_missing();
            }
            Step::Forget { id, crash } => self.forget(&model::id(*id), *crash),
            Step::Allow { id } => {
                let id = model::id(*id);
                let was_excluded = self.runtime.block_on(self.own().allow(&id)).expect("a write");
                assert_eq!(was_excluded, self.model.forgotten.remove(&id));
            }
            Step::Prune => self.runtime.block_on(self.own().prune()).expect("a write"),
            Step::OtherSettings => {
                self.plugin.0 += 1;
                self.model.is_ready = false;
                self.model.other_plugin();
                self.begin_run();
            }
            Step::OtherVersion => {
                self.plugin.1 += 1;
                self.model.other_plugin();
                self.begin_run();
            }
            Step::Reopen => self.reopen(),
        }
    }

    fn write(&self, kind: CursorKind, since: Vec<u8>, batch: crm_source::Batch) -> Write {
        let own = self.own();
        self.runtime.block_on(async {
            let batch = own.convert(kind, since, batch, None).await.expect("a batch");
            own.apply(batch).await.expect("a write")
        })
    }

    fn batch(&mut self, kind: CursorKind, reported: &Reported) {
        let next = self.next_cursor();
        let since = self.model.cursor(kind).clone();
        let (batch, known) = batch(reported, next.clone());
        let written = self.write(kind, since.clone(), batch.clone());
        let removals: Vec<String> = reported.removals.iter().map(|id| model::id(*id)).collect();
        assert_eq!(written, Write::Applied(self.model.apply(&known, &removals)));
        if let Some(teams) = &batch.teams {
            self.model.teams = teams.iter().map(|team| (team.id.clone(), team.workers.clone())).collect();
        }
        *self.model.cursor(kind) = next;
        if reported.twice {
            assert_eq!(self.write(kind, since, batch), Write::Superseded);
        }
    }

    fn fetched(&mut self, asked: &[usize], found: &[Draft], meanwhile: Option<&Reported>) {
        let after = self.own().last_change();
        self.model.touched.clear();
        if let Some(reported) = meanwhile {
            self.batch(CursorKind::Changes, reported);
        }
        let mut asked: Vec<String> = asked.iter().map(|id| model::id(*id)).collect();
        asked.extend(found.iter().map(|draft| model::id(draft.id)));
        let known: Vec<Known> = found.iter().map(model::known).collect();
        let customers: Vec<SourceCustomer> = known.iter().map(|known| known.source.clone()).collect();
        let touched = self.model.touched.clone();
        let is_found = |id: &String| known.iter().any(|known| known.id() == id);
        let removals: Vec<String> =
            asked.iter().filter(|id| !is_found(id) && !touched.contains(*id)).cloned().collect();
        let known: Vec<Known> = known.iter().filter(|known| !touched.contains(known.id())).cloned().collect();
        let expected = Write::Applied(self.model.apply(&known, &removals));
        let written = self.runtime.block_on(self.own().apply_fetched(&asked, customers, after));
        assert_eq!(written.expect("a write"), expected);
    }

    fn finish(&mut self, reached: Option<u8>) {
        let (sweeping, cursor) = (self.model.sweeping, self.model.sweep_cursor.clone());
        let stale = self.runtime.block_on(self.own().finish_sweep(sweeping, b"another".to_vec())).expect("a write");
        let other = self.runtime.block_on(self.own().finish_sweep(sweeping + 1, cursor.clone())).expect("a write");
        assert_eq!((stale, other), (SweepEnd::Superseded, SweepEnd::Superseded));
        let expected = self.model.finish_sweep();
        match reached {
            None => {
                let end = self.runtime.block_on(self.own().finish_sweep(sweeping, cursor)).expect("a write");
                assert_eq!(end, expected);
            }
            Some(chunks) => {
                let end = self.runtime.block_on(interrupted::finish(self.own(), sweeping, cursor, chunks));
                assert_eq!(end, expected);
                self.reopen();
            }
        }
        self.runtime.block_on(self.own().note_run(None)).expect("a write");
    }

    fn forget(&mut self, id: &str, crash: bool) {
        let was_there = self.model.forget(id);
        if crash {
            self.runtime.block_on(interrupted::forget(self.own(), id));
            self.reopen();
            // An operator who got no answer repeats the command.
            self.runtime.block_on(self.own().forget(id)).expect("a write");
        } else {
            assert_eq!(self.runtime.block_on(self.own().forget(id)).expect("a write"), was_there);
        }
    }

    /// Checks the answers of the gateway that writes. `follow`: also those of the other one.
    fn check(&self, follow: bool, turn: usize) {
        for gateway in self.gateways.as_ref().expect("gateways") {
            if !Arc::ptr_eq(gateway, self.own()) {
                if !follow {
                    continue;
                }
                self.runtime.block_on(gateway.follow()).expect("a read");
            }
            assert_eq!(gateway.readiness() != Readiness::NotReady, self.model.is_ready);
            if self.model.is_ready {
                self.runtime.block_on(questions::check(gateway, &self.model, turn));
            }
        }
    }
}

fn batch(reported: &Reported, next: Vec<u8>) -> (crm_source::Batch, Vec<Known>) {
    let known: Vec<Known> = reported.upserts.iter().map(model::known).collect();
    let teams = reported
        .teams
        .map(|teams| model::teams(teams).into_iter().map(|(id, workers)| Team { id, workers }).collect::<Vec<_>>());
    let batch = crm_source::Batch {
        upserts: known.iter().map(|known| known.source.clone()).collect(),
        removals: reported.removals.iter().map(|id| model::id(*id)).collect(),
        teams,
        next,
        has_more: true,
        total: None,
    };
    (batch, known)
}

#[test]
fn answers_equal_the_model_after_every_step() {
    // Each case is another tenant, since a new database costs more than a case.
    let (places, cases) = (Place::both(), Cell::new(0));
    let steps = prop::collection::vec((step(), any::<bool>()), 0..40);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(8));
    let result = runner.run(&steps, |steps| {
        cases.set(cases.get() + 1);
        for place in &places {
            let mut world = World::new(place, &format!("tenant {}", cases.get()));
            for (turn, (step, follow)) in steps.iter().enumerate() {
                world.take(step);
                world.check(*follow, turn);
            }
            (0..model::WORKERS.len()).for_each(|turn| world.check(true, turn));
        }
        Ok(())
    });
    assert!(result.is_ok(), "{result:#?}");
}
