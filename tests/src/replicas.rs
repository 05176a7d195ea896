//! Several gateways on one database, behind a load balancer.

use std::sync::Arc;

use frontgate_test_postgres::Database;
use serde_json::Value;

use crate::{Balancer, Gateway, Setup, eventually};

/// Running replicas.
pub struct Replicas {
    /// The replicas. Those of one position have the same folder and name.
    pub gateways: Vec<Gateway>,
    /// The load balancer in front of them.
    pub balancer: Balancer,
    /// Their database.
    pub database: Arc<Database>,
}

impl Replicas {
    /// Starts replicas with the same settings. `setup` creates the setup of each.
    pub fn start(count: usize, setup: impl Fn() -> Setup) -> Self {
        let database = Arc::new(Database::create());
        let url = database.url();
        Self::start_at(count, database, &url, setup)
    }

    /// Starts replicas that reach the database at another URL.
    pub fn start_at(count: usize, database: Arc<Database>, url: &str, setup: impl Fn() -> Setup) -> Self {
        let start = |number: usize| {
            let setup = setup().on_postgres(&database).set("store.url", format!("{url:?}"));
            setup.set("replica.name", format!("\"replica-{number}\"")).start()
        };
        let replicas = Self { gateways: (0..count).map(start).collect(), balancer: Balancer::start(), database };
        replicas.balance();
        replicas
    }

    /// Makes the load balancer use the present addresses.
    pub fn balance(&self) {
        self.balancer.set(self.gateways.iter().map(Gateway::address).collect());
    }

    /// Kills a replica, and starts it again in the same folder.
    pub fn kill_and_start_again(&mut self, number: usize) {
        let mut gateway = self.gateways.remove(number);
        gateway.kill();
        self.gateways.insert(number, gateway.start_again());
        self.balance();
    }

    /// Returns the log lines of all replicas with this event.
    pub fn count(&self, event: &str) -> usize {
        self.gateways.iter().map(|gateway| gateway.log().event(event).count()).sum()
    }

    /// Returns the position of the replica that keeps a part, such as `demo/twilio`.
    pub fn keeper(&self, part: &str) -> usize {
        let keeps = |gateway: &Gateway| {
            let replicas = gateway.status()["replicas"].take();
            let own = replicas.as_array().into_iter().flatten().find(|replica| replica["this"] == true);
            own.is_some_and(|own| own["keeps"].as_array().is_some_and(|keeps| keeps.iter().any(|kept| kept == part)))
        };
        eventually("a keeper", || self.gateways.iter().position(keeps), Option::is_some).expect("a keeper")
    }

    /// Waits until every delivery has reached a final state, and returns all of them.
    pub fn wait_for_deliveries(&self) -> Vec<Value> {
        self.gateways[0].wait_for_deliveries()
    }
}
