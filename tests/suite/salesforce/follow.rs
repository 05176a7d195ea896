//! Tests how the index follows an org that changes and fails, while gateways are killed: it ends as the org is.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_tests::salesforce::{Action, Fault, Person, Problem};
use frontgate_tests::{Gateway, Salesforce, Setup, eventually};

use super::source::INDEX;
use super::{ANA, BEN, setup};
use crate::customer_index::{status, wait_until_ready};
use crate::customer_sync::assert_lists;
use crate::replicas::times;

/// An org, and what its users have by now: names and owners by id.
struct Crm {
    salesforce: Salesforce,
    users: [String; 2],
    people: BTreeMap<String, (String, usize)>,
    deleted: BTreeMap<String, (String, usize)>,
    chance: u64,
}

impl Crm {
    fn start(people: usize) -> Self {
        let salesforce = Salesforce::start();
        let users = salesforce.org(|org| [ANA, BEN].map(|email| org.user(email)));
        let mut crm = Self { salesforce, users, people: BTreeMap::new(), deleted: BTreeMap::new(), chance: 1 };
        (0..people).for_each(|_| crm.add());
        crm
    }

    fn setup(&self) -> Setup {
        INDEX.iter().fold(setup(&self.salesforce), |setup, (key, value)| setup.set(key, *value))
    }

    fn below(&mut self, end: usize) -> usize {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.chance >> 33).expect("31 bits") % end
    }

    fn any(&mut self) -> String {
        let at = self.below(self.people.len());
        self.people.keys().nth(at).expect("a person").clone()
    }

    fn add(&mut self) {
        let (name, owner) = (format!("Lind {}", self.below(1_000_000)), self.below(2));
        let person = Person::new("Mora", &name).with("OwnerId", &self.users[owner]);
        let id = self.salesforce.org(|org| org.add(person));
        self.people.insert(id, (format!("Mora {name}"), owner));
    }

    /// Makes one change of any kind.
    fn change(&mut self) {
        let id = self.any();
        match self.below(7) {
            0 => self.add(),
            1 => {
                self.salesforce.org(|org| org.delete(&id));
                let person = self.people.remove(&id).expect("a person");
                self.deleted.insert(id, person);
            }
            2 => {
                let loser = self.any();
                if loser != id {
                    self.salesforce.org(|org| org.merge(&id, &loser));
                    self.people.remove(&loser);
                }
            }
            3 => self.own(&[id]),
            4 => {
                if let Some((id, person)) = self.deleted.pop_first() {
                    self.salesforce.org(|org| org.undelete(&id));
                    self.people.insert(id, person);
                }
            }
            5 => {
                // Users swap their addresses: no contact changes.
                self.salesforce.org(|org| {
                    org.set_user(&self.users[0], "Email", BEN);
                    org.set_user(&self.users[1], "Email", ANA);
                });
                self.users.swap(0, 1);
                self.people.values_mut().chain(self.deleted.values_mut()).for_each(|(_, owner)| *owner = 1 - *owner);
            }
            _ => {
                let name = format!("Lind {}", self.below(1_000_000));
                self.salesforce.org(|org| org.set(&id, "LastName", &name));
                self.people.get_mut(&id).expect("a person").0 = format!("Mora {name}");
            }
        }
    }

    /// Gives these people to one owner at the same time.
    fn own(&mut self, ids: &[String]) {
        let owner = self.below(2);
        self.salesforce.org(|org| org.set_all(ids, "OwnerId", &self.users[owner]));
        for id in ids {
            self.people.get_mut(id).expect("a person").1 = owner;
        }
    }

    /// Lets some of the next requests fail in different ways.
    fn fail_often(&mut self, faults: usize) {
        let actions = [
            Action::Status(502),
            Action::Cut,
            Action::Half,
            Action::Slow(Duration::from_millis(50)),
            Action::Refuse(Problem::expired()),
            Action::Refuse(Problem::new(400, "UNABLE_TO_LOCK_ROW", "")),
        ];
        for _ in 0..faults {
            let action = actions[self.below(actions.len())].clone();
            let spared = [0, 1, 3, 7][self.below(4)];
            self.salesforce.fault(Fault::new(action).after(spared));
        }
    }

    /// Waits until the index of a gateway is as the org. Runs do not wait for their time.
    #[track_caller]
    fn assert_followed(&self, gateway: &Gateway) {
        for (owner, worker) in [ANA, BEN].into_iter().enumerate() {
            let own = self.people.iter().filter(|(_, (_, of))| *of == owner);
            let expected: BTreeMap<_, _> = own.map(|(id, (name, _))| (id.clone(), name.clone())).collect();
            assert_lists(gateway, worker, &expected, "{}");
        }
        assert_eq!(status(gateway)["customers"], self.people.len());
    }
}

#[test]
fn the_index_ends_as_an_org_that_fails_and_changes() {
    let mut crm = Crm::start(700);
    crm.fail_often(8);
    let gateway = crm.setup().start();
    let state = || {
        gateway.admin_post("/customers/sync", "{}");
        status(&gateway)["state"].clone()
    };
    eventually("the index is ready", state, |state| state == "ready");
    for _ in 0..3 {
        crm.fail_often(4);
        (0..60).for_each(|_| crm.change());
        crm.assert_followed(&gateway);
    }
    let all: Vec<_> = crm.people.keys().cloned().collect();
    crm.own(&all);
    crm.assert_followed(&gateway);
}

#[test]
fn the_index_is_complete_after_random_kills() {
    let mut crm = Crm::start(1_500);
    let mut gateway = crm.setup().start();
    for kill in 0..times(4) {
        (0..40).for_each(|_| crm.change());
        if kill % 2 == 0 {
            gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
        }
        let (now, more) = (crm.salesforce.exchanges().len(), crm.below(8));
        let requests = || {
            gateway.admin_post("/customers/sync", "{}");
            crm.salesforce.exchanges().len()
        };
        eventually("more requests", requests, |count| *count >= now + more);
        gateway.kill();
        gateway = gateway.start_again();
    }
    wait_until_ready(&gateway);
    crm.assert_followed(&gateway);
}
