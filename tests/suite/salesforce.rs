//! Tests the plugin `salesforce`, customers of a Salesforce org, through the gateway.

mod contract;
mod follow;
mod source;

use std::time::Duration;

use frontgate_tests::salesforce::{Action, Call, Exchange, Fault, Object, Org, Person, Problem};
use frontgate_tests::{Answer, AuthorizationServer, Gateway, Salesforce, Setup, component, list};
use serde_json::{Value, json};

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";
const ALL: (&str, &str) = ("plugins.named.salesforce.config.own_customers_only", "false");
const CREDENTIALS: &str = "grant = \"client-credentials\", client_secret = { file = \"files/secret\" }";

/// An org and its gateway.
struct Account {
    salesforce: Salesforce,
    gateway: Gateway,
}

impl Drop for Account {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let log = self.gateway.log().text();
            assert!(!log.contains(Org::CLIENT_SECRET) && !log.contains("AQsession"), "a secret is in the log");
            let unknown = |exchange: &&Exchange| exchange.call == Call::Unknown;
            assert_eq!(self.salesforce.exchanges().iter().find(unknown), None);
        }
    }
}

/// Returns the setup of a gateway that gets its tokens with these keys of `oauth`.
fn setup_with(salesforce: &Salesforce, oauth: &str) -> Setup {
    let url = salesforce.url();
    let bound = format!(
        "[{{ to = {url:?}, paths = [\"/services/data/\"], header = \"authorization\", value = \"Bearer {{token}}\", \
         oauth = {{ token_url = \"{url}/services/oauth2/token\", client_id = {:?}, {oauth} }} }}]",
        Org::CLIENT_ID
    );
    Setup::new()
        .plugin("salesforce", &component("salesforce"))
        .file("secret", Org::CLIENT_SECRET)
        .set("tenants.demo.roles.crm", "[\"salesforce\"]")
        .set("plugins.named.salesforce.outbound", format!("[{url:?}]"))
        .set("plugins.named.salesforce.outbound_networks", "[\"127.0.0.1/32\"]")
        .set("plugins.named.salesforce.bound_secrets", bound)
        .set("plugins.named.salesforce.state", "true")
        .set("plugins.named.salesforce.config.instance", format!("{url:?}"))
}

fn setup(salesforce: &Salesforce) -> Setup {
    setup_with(salesforce, CREDENTIALS)
}

impl Account {
    /// Creates an account with additional settings.
    fn new(settings: &[(&str, &str)]) -> Self {
        Self::of(Salesforce::start(), settings)
    }

    fn of(salesforce: Salesforce, settings: &[(&str, &str)]) -> Self {
        let setup = settings.iter().fold(setup(&salesforce), |setup, (key, value)| setup.set(key, *value));
        Self { gateway: setup.start(), salesforce }
    }

    fn list(&self, more: &[(&str, &str)]) -> Answer {
        self.gateway.crm(&list(more))
    }

    fn customer(&self, worker: &str, id: &str) -> Answer {
        let form = [("Worker", worker), ("CustomerId", id), ("Location", "GetCustomerDetailsByCustomerId")];
        self.gateway.crm(&form)
    }

    /// Returns the name that the gateway gives to a conversation with this address.
    fn name_of(&self, address: &str) -> String {
        let form = [
            ("EventType", "onConversationAdd"),
            ("MessagingBinding.Address", address),
            ("MessagingBinding.ProxyAddress", "+12025550199"),
        ];
        self.gateway.callback("conversations", &form).json["friendly_name"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the number of requests for data.
    fn queries(&self) -> usize {
        self.salesforce.count(Call::Query) + self.salesforce.count(Call::QueryAll)
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()).collect()
}

fn people(salesforce: &Salesforce, many: usize, owner: &str) -> Vec<String> {
    let person = |number| Person::new("Mora", &format!("Lind {number}")).with("OwnerId", owner);
    salesforce.org(|org| (0..many).map(|number| org.add(person(number))).collect())
}

#[test]
fn lists_searches_pages_and_names_come_from_salesforce() {
    let account = Account::new(&[("plugins.named.salesforce.config.country", "\"US\"")]);
    let (mora, otto) = account.salesforce.org(|org| {
        let (ana, ben) = (org.user(ANA), org.user(BEN));
        let person = |name, owner: &str| Person::new(name, "O'Hara").with("OwnerId", owner);
        (org.add(person("Mora", &ana).with("Phone", "(202) 555-0107")), org.add(person("Otto", &ben)))
    });
    assert_eq!(ids(&account.list(&[])), [&*mora]);
    assert_eq!(ids(&account.list(&[("Query", "o'hara"), ("Worker", BEN)])), [&*otto]);
    assert_eq!((account.customer(ANA, &mora).status, account.customer(ANA, &otto).status), (200, 404));
    let customer = account.customer(ANA, &mora).json["objects"]["customer"].take();
    assert_eq!(customer["channels"], json!([{ "type": "sms", "value": "+12025550107" }]));
    assert_eq!(account.name_of("+12025550107"), "Mora O'Hara");
    assert_eq!(account.salesforce.count(Call::Token), 1, "one session for all requests");
}

#[test]
fn a_list_continues_over_several_pages_while_contacts_change() {
    let account = Account::new(&[ALL]);
    let all = people(&account.salesforce, 300, "");
    let (mut listed, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut form = vec![("PageSize", "40")];
        form.extend(token.as_deref().map(|token| ("NextPageToken", token)));
        let answer = account.list(&form);
        listed.extend(ids(&answer));
        token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
        let gone = listed[listed.len() - 1].clone();
        account.salesforce.org(|org| {
            org.delete(&gone);
            org.set(&all[299], "LastName", "Aaa");
        });
    }
    assert_eq!(listed, all);
}

#[test]
fn an_expired_session_is_renewed_once_without_a_failure() {
    let account = Account::new(&[ALL]);
    let id = people(&account.salesforce, 1, "").remove(0);
    assert_eq!(ids(&account.list(&[])), [&*id]);
    account.salesforce.org(Org::expire_sessions);
    assert_eq!(ids(&account.list(&[])), [&*id]);
    assert_eq!(account.salesforce.count(Call::Token), 2);
    let statuses: Vec<_> = account.salesforce.exchanges().iter().map(|exchange| exchange.status).collect();
    assert_eq!(statuses, [200, 200, 401, 200, 200].map(Some));
}

#[test]
fn a_signed_assertion_opens_a_session() {
    let server = AuthorizationServer::start();
    let salesforce = Salesforce::start();
    let oauth = format!(
        "grant = \"jwt-bearer\", private_key = {{ file = \"files/key\" }}, subject = {:?}, audience = \
         \"https://login.salesforce.com\"",
        Org::USERNAME
    );
    let setup = setup_with(&salesforce, &oauth).file("key", server.secret("rsa")).set(ALL.0, ALL.1);
    let account = Account { gateway: setup.start(), salesforce };
    let id = people(&account.salesforce, 1, "").remove(0);
    assert_eq!(ids(&account.list(&[])), [&*id]);
}

#[test]
fn a_rejected_secret_is_named_in_the_log_and_replaced_without_a_restart() {
    let account = Account::new(&[ALL]);
    let id = people(&account.salesforce, 1, "").remove(0);
    account.salesforce.org(|org| org.rotate_secret("N3w0made0up0secret"));
    assert_eq!(account.list(&[]).status, 503);
    account.gateway.log().wait_for("invalid_client");
    std::fs::write(account.gateway.path("files/secret"), "N3w0made0up0secret").expect("a file");
    account.gateway.reload();
    assert_eq!(ids(&account.list(&[])), [&*id]);
}

#[test]
fn each_failure_of_salesforce_reaches_platform_and_operator() {
    let account = Account::new(&[ALL, ("plugins.breaker.failures", "1000")]);
    let id = people(&account.salesforce, 1, "").remove(0);
    let refuse = |status, code| Action::Refuse(Problem::new(status, code, "about Mora Lind"));
    let table = [
        (
            Action::Refuse(Problem::daily_limit()),
            503,
            "limit of API requests in 24 hours is reached; retry after 900 s",
        ),
        (Action::Refuse(Problem::concurrent_limit()), 503, "too many requests at the same time; retry after 10 s"),
        (refuse(503, "SERVER_UNAVAILABLE"), 503, "Salesforce: busy (SERVER_UNAVAILABLE)"),
        (refuse(400, "UNABLE_TO_LOCK_ROW"), 503, "Salesforce: busy (UNABLE_TO_LOCK_ROW)"),
        (refuse(400, "QUERY_TIMEOUT"), 503, "Salesforce: a query took too long"),
        (refuse(500, "UNKNOWN_EXCEPTION"), 503, "Salesforce: status 500 (UNKNOWN_EXCEPTION)"),
        (refuse(403, "API_DISABLED_FOR_ORG"), 502, "give the app's user the permission API Enabled"),
        (refuse(403, "INSUFFICIENT_ACCESS"), 502, "give read access to the objects Contact, Account and User"),
        (refuse(400, "MALFORMED_QUERY"), 502, "check the names of fields in the settings"),
        (refuse(404, "NOT_FOUND"), 502, "check the settings `instance` and `api_version`"),
        (Action::Status(302), 502, "status 302; check the setting `instance`"),
        (Action::Status(502), 503, "Salesforce: status 502"),
        (Action::Cut, 503, "Salesforce: "),
        (Action::Half, 503, "Salesforce: "),
    ];
    for (action, status, words) in table {
        account.salesforce.fault(Fault::new(action.clone()).on(Call::Query));
        let answer = account.list(&[]);
        assert_eq!(answer.status, status, "{action:?}: {}", answer.text);
        assert!(!answer.text.contains("Salesforce"), "{}", answer.text);
        account.gateway.log().wait_for(words);
        assert_eq!(ids(&account.list(&[])), [&*id], "the list works after {action:?}");
    }
    assert!(!account.gateway.log().text().contains("Mora Lind"), "Salesforce's messages are not logged");
}

#[test]
fn a_hidden_field_is_named_in_the_log() {
    let account = Account::new(&[ALL]);
    let id = people(&account.salesforce, 1, "").remove(0);
    account.salesforce.org(|org| org.hide_field(Object::Contact, "HomePhone"));
    assert_eq!(account.customer(ANA, &id).status, 502);
    account.gateway.log().wait_for("the field `HomePhone` of Contact does not exist or is hidden");
    account.salesforce.org(Org::show_fields);
    assert_eq!(account.customer(ANA, &id).status, 200);
}

#[test]
fn a_slow_or_unreachable_org_costs_at_most_its_timeout() {
    let account = Account::new(&[ALL, ("plugins.named.salesforce.limits.outbound_timeout_ms", "300")]);
    people(&account.salesforce, 1, "");
    ids(&account.list(&[]));
    account.salesforce.fault(Fault::new(Action::Slow(Duration::from_secs(60))).on(Call::Query));
    assert_eq!(account.list(&[]).code(), "unavailable");
    account.gateway.log().wait_for("the request to Salesforce timed out");
    account.salesforce.go_down();
    assert_eq!(account.list(&[]).code(), "unavailable");
}

#[test]
fn a_mistyped_setting_is_named_in_the_log() {
    for (key, value, words) in [
        ("phone_field", "\"Phone\"", "did you mean `phone_fields`?"),
        ("phone_fields", "\"Phone Number\"", "`Phone Number` is no API name of a field"),
        ("country", "\"Norway\"", "write two letters such as US or DE"),
        ("unowned", "\"all\"", "hidden"),
    ] {
        let account = Account::new(&[(&format!("plugins.named.salesforce.config.{key}"), value)]);
        assert_eq!(account.list(&[]).code(), "plugin-failed", "{key}");
        account.gateway.log().wait_for(words);
    }
}

/// Returns the value of a field of a customer's page.
fn shown(account: &Account, worker: &str, id: &str, field: &str) -> Value {
    account.customer(worker, id).json["objects"]["customer"][field].take()
}
