//! Tests the plugin `rest`, customers of any CRM with a REST API, through the gateway.

mod contract;
mod errors;
mod index;
mod live;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use frontgate_tests::rest::{Dialect, Person};
use frontgate_tests::{Gateway, RestCrm, Setup, component, list, root};

use crate::customer_index::{status, wait_until_ready};
use crate::customer_sync::{assert_lists, listed};

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";
/// A worker without own customers.
const EVE: &str = "eve@example.org";
/// The time after which Zendesk's export has a change.
const EXPORTED: Duration = Duration::from_secs(61);

/// A CRM, and what it has by now: names and owners by id.
struct Crm {
    rest: RestCrm,
    dialect: Dialect,
    people: BTreeMap<String, (String, String)>,
    mapping: String,
    added: usize,
}

impl Crm {
    /// Starts a CRM with people of Ana, of Ben and of no owner.
    fn start(dialect: Dialect, people: usize) -> Self {
        let rest = RestCrm::start(dialect);
        let mapping = mapping(dialect, &rest.url());
        let mut crm = Self { rest, dialect, people: BTreeMap::new(), mapping, added: 0 };
        for _ in 0..people {
            crm.add();
        }
        crm.rest.pass(2 * EXPORTED);
        crm
    }

    fn add(&mut self) -> String {
        let owner = [ANA, BEN, ""][self.added % 3];
        self.added += 1;
        let number = self.added;
        let person = Person::new("Mora", &format!("Lind {number}"))
            .email(&format!("lind-{number}@example.org"))
            .phone(&self.written(number))
            .owner(owner);
        let id = self.rest.add(person);
        self.people.insert(id.clone(), (format!("Mora Lind {number}"), owner.to_owned()));
        id
    }

    /// Returns a number as people write it. The search of two CRMs needs the country code.
    fn written(&self, number: usize) -> String {
        match self.dialect {
            Dialect::Zendesk | Dialect::Zoho => format!("+1 212-555-{number:04}"),
            Dialect::Airtable | Dialect::Pipedrive | Dialect::Plain => format!("(212) 555-{number:04}"),
        }
    }

    fn rename(&mut self, id: &str, last: &str) {
        self.rest.rename(id, last);
        self.people.get_mut(id).expect("a person").0 = format!("Mora {last}");
    }

    fn own(&mut self, ids: &[String], owner: &str) {
        self.rest.own(ids, owner);
        for id in ids {
            owner.clone_into(&mut self.people.get_mut(id).expect("a person").1);
        }
    }

    fn remove(&mut self, id: &str) {
        self.rest.remove(id);
        self.people.remove(id);
    }

    fn ids(&self) -> Vec<String> {
        self.people.keys().cloned().collect()
    }

    /// Returns names by id of the customers that a worker sees.
    fn of(&self, worker: &str) -> BTreeMap<String, String> {
        let seen = self.people.iter().filter(|(_, (_, owner))| owner.is_empty() || owner == worker);
        seen.map(|(id, (name, _))| (id.clone(), name.clone())).collect()
    }

    /// Returns a setup without an index.
    fn setup(&self) -> Setup {
        let url = self.rest.url();
        let (header, value) = self.dialect.authentication();
        let text = value.replace(RestCrm::TOKEN, "{token}");
        let (text, token) = match self.dialect {
            Dialect::Zendesk => (format!("Basic {}/token:{{token}}", RestCrm::USER), RestCrm::TOKEN),
            _ => (text, RestCrm::TOKEN),
        };
        let bound = format!(
            "[{{ to = {url:?}, header = {header:?}, value = {text:?}, \
             secrets = {{ token = {{ file = \"files/crm-token\" }} }} }}]"
        );
        let setup = Setup::new()
            .plugin("rest", &component("rest"))
            .file("crm-token", token)
            .set("tenants.demo.roles.crm", "[\"rest\"]")
            .set("plugins.named.rest.outbound", format!("[{url:?}]"))
            .set("plugins.named.rest.outbound_networks", "[\"127.0.0.1/32\"]")
            .set("plugins.named.rest.bound_secrets", bound)
            .set("plugins.named.rest.files", "\"mappings\"")
            .set("plugins.named.rest.state", "true");
        fs::create_dir(setup.folder().join("mappings")).expect("a folder");
        fs::write(setup.folder().join("mappings/mapping.toml"), &self.mapping).expect("a file");
        setup
    }

    /// Returns a setup with an index.
    fn indexed(&self) -> Setup {
        self.setup()
            .set("tenants.demo.roles.crm-source", "[\"rest\"]")
            .set("tenants.demo.customers.index", "true")
            .set("tenants.demo.customers.interval_ms", "1000")
            .set("tenants.demo.customers.requests_per_second", "1000")
            .set("plugins.breaker.failures", "1000")
    }

    /// Starts a gateway, and waits until its index is complete.
    fn start_indexed(&self) -> Gateway {
        let gateway = self.indexed().start();
        wait_until_ready(&gateway);
        gateway.log().wait_for_event("customers.enumerated");
        gateway
    }

    /// Waits until the index is as the CRM. Runs do not wait for their time.
    #[track_caller]
    fn assert_followed(&self, gateway: &Gateway, run: &str) {
        for worker in [ANA, BEN, EVE] {
            assert_lists(gateway, worker, &self.of(worker), run);
        }
        assert_eq!(status(gateway)["customers"], self.people.len());
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let refused: Vec<_> = self.rest.exchanges().into_iter().filter(|one| one.status == Some(404)).collect();
            assert!(refused.len() < 2, "the plugin sent requests that the API does not know: {refused:?}");
        }
    }
}

/// Returns the mapping of a dialect, for a simulator at this address.
fn mapping(dialect: Dialect, url: &str) -> String {
    let preset = |settings: &str| {
        let name = dialect.name();
        format!("preset = {name:?}\nurl = {url:?}\ncountry = \"US\"\nowner.keep_s = 0\n[settings]\n{settings}\n")
    };
    match dialect {
        Dialect::Airtable => preset("base = \"appTest\"\ntable = \"People\"").replace("owner.keep_s = 0\n", ""),
        Dialect::Pipedrive => preset("domain = \"acme\""),
        Dialect::Zendesk => {
            preset("subdomain = \"acme\"\nowner_field = \"account_manager\"").replace("owner.keep_s = 0\n", "")
        }
        Dialect::Zoho => preset("").replace("owner.keep_s = 0\n", ""),
        Dialect::Plain => {
            // The example of the documentation.
            let page = fs::read_to_string(root().join("docs/operate/rest.md")).expect("the page");
            let block = page.split("```toml mapping.toml\n").nth(1).and_then(|rest| rest.split("```").next());
            block.expect("the example").replace("https://crm.example.com", url)
        }
    }
}

/// Returns the names that a worker finds.
fn found(gateway: &Gateway, worker: &str, query: &str) -> Vec<String> {
    let answer = gateway.crm(&list(&[("Worker", worker), ("Query", query), ("PageSize", "100")]));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|one| one["display_name"].as_str().expect("a name").to_owned()).collect()
}

/// Returns the name that the gateway gives to a conversation with this address.
fn name_of(gateway: &Gateway, address: &str) -> String {
    let form = [
        ("EventType", "onConversationAdd"),
        ("MessagingBinding.Address", address),
        ("MessagingBinding.ProxyAddress", "+12025550199"),
    ];
    gateway.callback("conversations", &form).json["friendly_name"].as_str().unwrap_or_default().to_owned()
}

/// Returns the status of a customer's page, and the name on it.
fn page_of(gateway: &Gateway, worker: &str, id: &str) -> (u16, String) {
    let form = [("Location", "GetCustomerDetailsByCustomerId"), ("Worker", worker), ("CustomerId", id)];
    let answer = gateway.crm(&form);
    let name = answer.json["objects"]["customer"]["display_name"].as_str().unwrap_or_default();
    (answer.status, name.to_owned())
}
