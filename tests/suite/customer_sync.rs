//! Tests how the index follows a CRM that fails, is slow and changes, while the gateway is killed: it ends as the CRM is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use frontgate_tests::hubspot::{Action, Call, Fault, Person, Policy};
use frontgate_tests::{Gateway, HubSpot, Replicas, Setup, component, eventually, list};

use crate::customer_index::{status, wait_until_ready};
use crate::replicas::times;

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";
/// The workers, in the order of the owners of a [`Crm`].
pub(crate) const WORKERS: [&str; 2] = [ANA, BEN];
/// Requests that each fault of [`Crm::fail_often`] spares at most.
const SPARED: [usize; 4] = [0, 1, 3, 7];

/// Returns a number that the operator of a test run can set, else the usual one.
pub(crate) fn many(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A CRM, and what it has by now: names and owners by id.
pub(crate) struct Crm {
    pub(crate) hubspot: HubSpot,
    owners: [String; 2],
    pub(crate) people: BTreeMap<String, (String, usize)>,
    /// People that others were merged into. The others are not reported if these people go, too.
    merged: BTreeSet<String>,
    chance: u64,
}

impl Crm {
    pub(crate) fn start(people: usize) -> Self {
        let hubspot = HubSpot::start();
        let owners = WORKERS.map(|worker| hubspot.owner(worker));
        let mut crm = Self { hubspot, owners, people: BTreeMap::new(), merged: BTreeSet::new(), chance: 1 };
        crm.add(people);
        crm
    }

    pub(crate) fn setup(&self) -> Setup {
        let url = self.hubspot.url();
        let bound = format!(
            "[{{ to = {url:?}, header = \"authorization\", value = \"Bearer {{token}}\", \
             secrets = {{ token = {{ file = \"files/hubspot-token\" }} }} }}]"
        );
        Setup::new()
            .plugin("plugin", &component("hubspot"))
            .file("hubspot-token", HubSpot::TOKEN)
            .set("tenants.demo.roles.crm-source", "[\"plugin\"]")
            .set("tenants.demo.customers.index", "true")
            .set("tenants.demo.customers.interval_ms", "1000")
            .set("tenants.demo.customers.requests_per_second", "1000")
            .set("plugins.named.plugin.outbound", format!("[{url:?}]"))
            .set("plugins.named.plugin.outbound_networks", "[\"127.0.0.1/32\"]")
            .set("plugins.named.plugin.bound_secrets", bound)
            .set("plugins.named.plugin.state", "true")
            .set("plugins.named.plugin.config.api", format!("{url:?}"))
            .set("plugins.named.plugin.config.owners_keep_s", "0")
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.chance >> 33).expect("31 bits") % end
    }

    fn any(&mut self) -> String {
        let at = self.below(self.people.len());
        self.people.keys().nth(at).expect("a person").clone()
    }

    fn name(&mut self) -> String {
        format!("Lind {}", self.below(1_000_000))
    }

    /// Adds people at the same time.
    pub(crate) fn add(&mut self, people: usize) {
        let new: Vec<_> = (0..people).map(|_| (self.name(), self.below(2))).collect();
        let person =
            |(name, owner): &(String, usize)| Person::new("Mora", name).with("hubspot_owner_id", &self.owners[*owner]);
        let ids = self.hubspot.add_all(new.iter().map(person));
        let known = ids.into_iter().zip(new.into_iter().map(|(name, owner)| (format!("Mora {name}"), owner)));
        self.people.extend(known);
    }

    /// Makes one change of any kind: an addition, a removal, another name, another owner, or a merge.
    pub(crate) fn change(&mut self) {
        let id = self.any();
        match self.below(6) {
            0 => self.add(1),
            1 if !self.merged.contains(&id) => {
                self.hubspot.archive(&id);
                self.people.remove(&id);
            }
            2 => {
                let other = self.any();
                if other != id && !self.merged.contains(&other) {
                    self.merged.insert(id.clone());
                    self.hubspot.merge(&id, &other);
                    self.people.remove(&other);
                }
            }
            3 => self.own(&[id]),
            _ => self.rename(&id),
        }
    }

    /// Deletes a person for privacy. No list reports that person then.
    pub(crate) fn forget(&mut self) {
        let id = self.any();
        self.hubspot.forget(&id);
        self.people.remove(&id);
    }

    fn rename(&mut self, id: &str) {
        let name = self.name();
        self.hubspot.change(id, "lastname", &name);
        self.people.get_mut(id).expect("a person").0 = format!("Mora {name}");
    }

    /// Gives these people to one owner at the same time.
    pub(crate) fn own(&mut self, ids: &[String]) {
        let owner = self.below(2);
        self.hubspot.change_all(ids, "hubspot_owner_id", &self.owners[owner]);
        for id in ids {
            self.people.get_mut(id).expect("a person").1 = owner;
        }
    }

    /// Lets about a third of the next requests fail in different ways.
    fn fail_often(&mut self, faults: usize) {
        let actions = [
            Action::Status(502),
            Action::Cut,
            Action::CutAfterActing,
            Action::Half,
            Action::Slow(Duration::from_millis(50)),
            Action::Limited(Policy::Secondly),
        ];
        for _ in 0..faults {
            let action = actions[self.below(actions.len())].clone();
            let spared = SPARED[self.below(SPARED.len())];
            self.hubspot.fault(Fault::new(action).after(spared));
        }
    }

    /// Returns what a worker has to see: names by id.
    pub(crate) fn of(&self, owner: usize) -> BTreeMap<String, String> {
        let own = self.people.iter().filter(|(_, (_, of))| *of == owner);
        own.map(|(id, (name, _))| (id.clone(), name.clone())).collect()
    }

    /// Waits until a gateway has read all customers. Many may take longer than one wait, as long as it asks for more.
    pub(crate) fn wait_until_enumerated(&self, gateway: &Gateway) {
        let is_ended = || gateway.log().event("customers.enumerated").count() > 0;
        while !is_ended() {
            let requests = self.hubspot.requests();
            eventually("more requests", || is_ended() || self.hubspot.requests() > requests, |is_so| *is_so);
        }
        wait_until_ready(gateway);
    }

    /// Waits until the index of a gateway is as the CRM. Runs do not wait for their time.
    #[track_caller]
    pub(crate) fn assert_followed(&self, gateway: &Gateway) {
        for (owner, worker) in WORKERS.into_iter().enumerate() {
            assert_lists(gateway, worker, &self.of(owner), "{}");
        }
        assert_eq!(status(gateway)["customers"], self.people.len());
    }
}

/// Waits until a worker sees exactly these customers: names by id. Each look requests a run, so none waits for its time.
#[track_caller]
pub(crate) fn assert_lists(gateway: &Gateway, worker: &str, expected: &BTreeMap<String, String>, run: &str) {
    // The difference is shown, not all customers.
    let difference = || {
        gateway.admin_post("/customers/sync", run);
        let listed = listed(gateway, worker);
        let missing: Vec<_> = expected.iter().filter(|(id, name)| listed.get(*id) != Some(*name)).collect();
        let more: Vec<_> = listed.keys().filter(|id| !expected.contains_key(*id)).collect();
        format!("{missing:?} {more:?}")
    };
    eventually("the index is as the CRM", difference, |difference| difference == "[] []");
}

/// Returns the names that a worker sees, by id. Each customer is listed once.
pub(crate) fn listed(gateway: &Gateway, worker: &str) -> BTreeMap<String, String> {
    let (mut all, mut token) = (BTreeMap::new(), None::<String>);
    loop {
        let mut form = list(&[("PageSize", "1000"), ("Worker", worker)]);
        form.extend(token.as_deref().map(|token| ("NextPageToken", token)));
        let answer = gateway.crm(&form);
        assert_eq!(answer.status, 200, "{}", answer.text);
        for customer in answer.json["objects"]["customers"].as_array().expect("customers") {
            let text = |name: &str| customer[name].as_str().expect("a text").to_owned();
            let before = all.insert(text("customer_id"), text("display_name"));
            assert_eq!(before, None, "a customer is listed twice");
        }
        token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
        if token.is_none() {
            return all;
        }
    }
}

#[test]
fn the_index_ends_as_a_crm_that_fails_and_changes() {
    let mut crm = Crm::start(700);
    crm.fail_often(10);
    let gateway = crm.setup().start();
    let state = || {
        gateway.admin_post("/customers/sync", "{}");
        status(&gateway)["state"].clone()
    };
    eventually("the index is ready", state, |state| state == "ready");
    for _ in 0..2 {
        crm.fail_often(4);
        (0..60).for_each(|_| crm.change());
        crm.assert_followed(&gateway);
    }
    // What no list of changes reports is found by an enumeration, although that fails in between.
    crm.forget();
    crm.fail_often(6);
    gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
    crm.assert_followed(&gateway);
}

#[test]
fn changes_of_many_customers_at_the_same_time_are_all_followed() {
    let mut crm = Crm::start(many("FRONTGATE_CUSTOMERS", 2_500));
    let gateway = crm.setup().start();
    wait_until_ready(&gateway);
    let all: Vec<String> = crm.people.keys().cloned().collect();
    crm.own(&all);
    crm.assert_followed(&gateway);
}

#[test]
fn an_enumeration_that_fails_removes_nothing() {
    let crm = Crm::start(500);
    let gateway = crm.setup().start();
    wait_until_ready(&gateway);
    let before = (listed(&gateway, ANA), listed(&gateway, BEN));
    // The first page is read; all later ones fail.
    crm.hubspot.fault(Fault::new(Action::Status(502)).on(Call::Search).after(2).times(1_000_000));
    gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
    gateway.log().wait_for_event("customers.run_failed");
    assert_eq!((listed(&gateway, ANA), listed(&gateway, BEN)), before);
}

#[test]
fn every_question_is_answered_without_a_request_to_the_crm_and_while_it_is_down() {
    let crm = Crm::start(60);
    let gateway = crm.setup().set("tenants.demo.customers.interval_ms", "86400000").start();
    wait_until_ready(&gateway);
    let (id, name) = crm.of(0).pop_first().expect("a customer of Ana");
    let ask_everything = || {
        assert_eq!(listed(&gateway, ANA), crm.of(0));
        let found = gateway.crm(&list(&[("Worker", ANA), ("Query", &name.to_lowercase())]));
        assert!(found.text.contains(&id), "{}", found.text);
        let (code, text) = gateway.admin_post("/customers/find", "{\"address\":\"+15550100001\"}");
        assert_eq!((code, text.trim()), (200, "null"));
    };
    let before = crm.hubspot.requests();
    ask_everything();
    assert_eq!(crm.hubspot.requests(), before);
    crm.hubspot.go_down();
    ask_everything();
    let form = [("Location", "GetCustomerDetailsByCustomerId"), ("Worker", ANA), ("CustomerId", &id)];
    let page = gateway.crm(&form);
    assert_eq!(page.json["objects"]["customer"]["display_name"], *name, "{}", page.text);
}

#[test]
fn the_index_is_complete_after_a_crash_at_any_commit() {
    for point in ["before-commit", "committed"] {
        let mut reached = 0;
        for count in [1, 2, 3, 4, 5, 7] {
            let mut crm = Crm::start(450);
            // The first customers arrive after the start.
            crm.hubspot.fault(Fault::new(Action::Slow(Duration::from_secs(3))).on(Call::Search));
            let mut gateway = crm.setup().start_crashing(&format!("{point}:{count}"));
            let is_ended_or_ready = || gateway.has_ended() || gateway.log().event("customers.enumerated").count() > 0;
            eventually("the gateway ends or is ready", is_ended_or_ready, |is_so| *is_so);
            reached += usize::from(gateway.has_ended());
            gateway.kill();
            (0..20).for_each(|_| crm.change());
            let gateway = gateway.start_again();
            wait_until_ready(&gateway);
            crm.assert_followed(&gateway);
        }
        assert!(reached > 0, "{point} was never reached");
    }
}

#[test]
fn the_index_is_complete_after_random_kills() {
    let mut crm = Crm::start(1_000);
    let mut gateway = crm.setup().start();
    for kill in 0..times(10) {
        (0..40).for_each(|_| crm.change());
        if kill % 3 == 0 {
            gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
        }
        let (now, more) = (crm.hubspot.requests(), crm.below(12));
        eventually("more requests", || crm.hubspot.requests(), |count| *count >= now + more);
        gateway.kill();
        gateway = gateway.start_again();
    }
    wait_until_ready(&gateway);
    crm.assert_followed(&gateway);
}

#[test]
fn the_index_is_complete_at_each_replica_although_the_keeper_is_killed() {
    let mut crm = Crm::start(600);
    let mut replicas = Replicas::start(2, || crm.setup());
    for _ in 0..times(3) {
        (0..40).for_each(|_| crm.change());
        let keeper = replicas.keeper("demo/customers");
        let (now, more) = (crm.hubspot.requests(), crm.below(8));
        let requests = || {
            replicas.gateways[keeper].admin_post("/customers/sync", "{\"enumerate\":true}");
            crm.hubspot.requests()
        };
        eventually("more requests", requests, |count| *count >= now + more);
        replicas.kill_and_start_again(keeper);
    }
    for gateway in &replicas.gateways {
        wait_until_ready(gateway);
        crm.assert_followed(gateway);
    }
}
