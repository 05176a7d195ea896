//! Tests that the index of replicas has no gap, no repetition and no half of a batch, although the replica that keeps it
//! is killed in each phase of a run. `FRONTGATE_KILLS` sets the number of kills in each phase.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_tests::hubspot::Call;
use frontgate_tests::{Gateway, PUBLIC_URL, Replicas, eventually};

use crate::customer_index::{status, wait_until_ready};
use crate::customer_sync::{Crm, WORKERS, listed};
use crate::replicas::times;

const PART: &str = "demo/customers";
const SECRET: &str = "a-made-up-client-secret";
const PEOPLE: usize = 600;
/// People that are added at the same time. They are in one batch.
const ADDED: usize = 50;
/// Longer than the time that HubSpot's plugin reads again in each run.
const PASSED: Duration = Duration::from_secs(120);
/// The largest part of all people whose removal needs no operator: one of this many.
const PART_REMOVED: usize = 10;
/// Contacts of one page of HubSpot's search.
const PAGE: usize = 200;
/// Most lists that are read between a request of the keeper and its end.
const LISTS_MAX: usize = 12;

/// The work of the keeper when it is killed.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Reads all customers.
    Enumeration,
    /// Reads changes.
    Changes,
    /// Removes customers that an enumeration did not find.
    Removals,
    /// Fetches customers that a notification named.
    Fetch,
}

/// The customers of each worker: names by id.
type Lists = [BTreeMap<String, String>; 2];

fn lists(gateway: &Gateway) -> Lists {
    WORKERS.map(|worker| listed(gateway, worker))
}

fn count(lists: &Lists) -> usize {
    lists.iter().map(BTreeMap::len).sum()
}

/// Returns whether all customers of one list are in another one, with the same names.
fn is_part(list: &BTreeMap<String, String>, of: &BTreeMap<String, String>) -> bool {
    list.iter().all(|(id, name)| of.get(id) == Some(name))
}

/// A CRM and its replicas.
struct World {
    crm: Crm,
    replicas: Replicas,
}

impl World {
    fn start() -> Self {
        let crm = Crm::start(PEOPLE);
        let setup = || {
            // Only the test starts runs.
            let setup = crm.setup().set("tenants.demo.customers.interval_ms", "86400000");
            setup
                .file("client-secret", SECRET)
                .set("plugins.named.plugin.webhook_keys.hubspot", "{ file = \"files/client-secret\" }")
        };
        let replicas = Replicas::start(2, setup);
        Self { crm, replicas }
    }

    fn expected(&self) -> Lists {
        [0, 1].map(|owner| self.crm.of(owner))
    }

    /// Starts a run. Both replicas are asked, since the part may move to the other one at any time.
    fn sync(&self, body: &str) {
        self.replicas.gateways.iter().for_each(|gateway| drop(gateway.admin_post("/customers/sync", body)));
    }

    /// Lets so much time pass for HubSpot that the next run reads only what changes from now on.
    fn pass(&self) {
        self.crm.hubspot.pass(PASSED);
        let name = "frontgate_customer_runs_total{tenant=\"demo\",result=\"ok\"}";
        let runs = || self.replicas.gateways.iter().map(|gateway| gateway.metric_or_zero(name)).sum::<f64>();
        // A run may be in progress.
        for _ in 0..2 {
            let before = runs();
            self.sync("{}");
            eventually("a run", runs, |runs| *runs > before);
        }
    }

    /// Waits until the keeper has run and a replica has followed.
    fn wait_until_followed(&self, number: usize) {
        let gateway = &self.replicas.gateways[number];
        wait_until_ready(gateway);
        self.crm.assert_followed(gateway);
        eventually("no enumeration", || status(gateway)["is_enumerating"].clone(), |is_so| *is_so == false);
    }

    /// Starts a phase at the keeper, and waits for one of its requests.
    fn begin(&mut self, phase: Phase, keeper: usize) {
        let (crm, gateway) = (&mut self.crm, &self.replicas.gateways[keeper]);
        let (searches, reads) = (crm.hubspot.count(Call::Search), crm.hubspot.count(Call::ReadContacts));
        match phase {
            Phase::Enumeration => {}
            Phase::Changes => crm.add(ADDED),
            Phase::Removals => (0..crm.people.len() / PART_REMOVED).for_each(|_| crm.forget()),
            Phase::Fetch => {
                let url = format!("{PUBLIC_URL}/customers/notifications");
                crm.hubspot.subscribe(&url, gateway.address(), SECRET);
                crm.add(ADDED);
                crm.hubspot.unsubscribe();
            }
        }
        let pages = crm.people.len().div_ceil(PAGE);
        // Each run begins with a search for changes.
        let (call, requests) = match phase {
            Phase::Enumeration => (Call::Search, searches + 1 + crm.below(pages + 1)),
            Phase::Removals => (Call::Search, searches + 1 + pages),
            Phase::Changes if crm.below(2) == 0 => (Call::Search, searches + 1),
            Phase::Changes | Phase::Fetch => (Call::ReadContacts, reads + 1),
        };
        match phase {
            Phase::Enumeration | Phase::Removals => self.sync("{\"enumerate\":true}"),
            Phase::Changes => self.sync("{}"),
            Phase::Fetch => {}
        }
        eventually("a request", || self.crm.hubspot.count(call), |count| *count >= requests);
    }

    /// Kills the keeper in a phase. The other replica shows the customers from before until it shows all changes.
    fn kill_in(&mut self, phase: Phase) {
        (0..self.replicas.gateways.len()).for_each(|number| self.wait_until_followed(number));
        self.pass();
        let keeper = self.replicas.keeper(PART);
        let other = 1 - keeper;
        let before = self.expected();
        self.begin(phase, keeper);
        let after = self.expected();
        let check = |gateway: &Gateway| {
            let stored = status(gateway)["customers"].clone();
            assert!([&before, &after].iter().any(|lists| stored == count(lists)), "{phase:?}: {stored} customers");
            let shown = lists(gateway);
            for (shown, (before, after)) in shown.iter().zip(before.iter().zip(&after)) {
                // A replica that has not followed a removal may leave out any of the removed customers.
                let is_between = is_part(after, shown) && is_part(shown, before);
                let is_whole = shown == before || shown == after;
                let many = [before.len(), shown.len(), after.len()];
                assert!(is_whole || is_between, "{phase:?}: customers before, now, afterwards: {many:?}");
            }
            shown == after
        };
        for _ in 0..self.crm.below(LISTS_MAX) {
            check(&self.replicas.gateways[other]);
        }
        self.replicas.gateways[keeper].kill();
        let ended = || {
            let gateway = &self.replicas.gateways[other];
            check(gateway) && status(gateway)["is_enumerating"] == false
        };
        eventually("the other replica continues", ended, |ended| *ended);
        self.replicas.kill_and_start_again(keeper);
    }
}

#[test]
fn a_keeper_killed_in_any_phase_leaves_no_gap_no_repetition_and_no_half_batch() {
    let mut world = World::start();
    for _ in 0..times(1) {
        for phase in [Phase::Enumeration, Phase::Changes, Phase::Removals, Phase::Fetch] {
            world.kill_in(phase);
        }
    }
    for number in 0..2 {
        world.wait_until_followed(number);
        assert_eq!(lists(&world.replicas.gateways[number]), world.expected());
    }
}
