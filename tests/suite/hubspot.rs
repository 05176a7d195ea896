//! Tests the plugin `hubspot`, customers of a HubSpot account, through the gateway.

mod calls;
mod contract;
mod shapes;
mod source;
mod webhooks;

use std::collections::BTreeSet;
use std::time::Duration;

use frontgate_tests::hubspot::{Action, Call, Fault, Person, Policy};
use frontgate_tests::{Answer, Gateway, HubSpot, Setup, component, list};
use serde_json::{Value, json};

const ANA: &str = "ana@example.org";
const ALL: (&str, &str) = ("plugins.named.hubspot.config.own_customers_only", "false");

/// An account and its gateway. On drop, every request and answer is checked against HubSpot's schemas.
struct Account {
    hubspot: HubSpot,
    gateway: Gateway,
}

impl Drop for Account {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            shapes::assert_match(&self.hubspot.exchanges());
            assert!(!self.gateway.log().text().contains(HubSpot::TOKEN), "the token is in the log");
        }
    }
}

fn setup(hubspot: &HubSpot) -> Setup {
    let url = hubspot.url();
    let bound = format!(
        "[{{ to = {url:?}, header = \"authorization\", value = \"Bearer {{token}}\", \
         secrets = {{ token = {{ file = \"files/hubspot-token\" }} }} }}]"
    );
    Setup::new()
        .plugin("hubspot", &component("hubspot"))
        .file("hubspot-token", HubSpot::TOKEN)
        .set("tenants.demo.roles.crm", "[\"hubspot\"]")
        .set("plugins.named.hubspot.outbound", format!("[{url:?}]"))
        .set("plugins.named.hubspot.outbound_networks", "[\"127.0.0.1/32\"]")
        .set("plugins.named.hubspot.bound_secrets", bound)
        .set("plugins.named.hubspot.state", "true")
        .set("plugins.named.hubspot.config.api", format!("{url:?}"))
}

impl Account {
    /// Creates an account with additional settings.
    fn new(settings: &[(&str, &str)]) -> Self {
        Self::of(HubSpot::start(), settings)
    }

    fn of(hubspot: HubSpot, settings: &[(&str, &str)]) -> Self {
        let setup = settings.iter().fold(setup(&hubspot), |setup, (key, value)| setup.set(key, *value));
        Self { gateway: setup.start(), hubspot }
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

    /// Returns the ids of all customers, fetched page by page, and calls `between` after each page.
    fn pages(&self, size: &str, by_token: bool, mut between: impl FnMut(&[String])) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut form = vec![("PageSize", size)];
            match (&token, all.last()) {
                (Some(token), _) if by_token => form.push(("NextPageToken", token)),
                (_, Some(last)) => form.push(("Anchor", last)),
                _ => {}
            }
            let answer = self.list(&form);
            let page = ids(&answer);
            token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
            let is_last = page.is_empty() || by_token && token.is_none();
            all.extend(page);
            if is_last {
                return all;
            }
            between(&all);
        }
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()).collect()
}

fn people(hubspot: &HubSpot, many: usize) -> Vec<String> {
    (0..many).map(|number| hubspot.add(Person::new("Mora", &format!("Lind {number}")))).collect()
}

#[test]
fn every_contact_is_listed_once_by_anchor_and_by_token() {
    let account = Account::new(&[ALL]);
    let all = people(&account.hubspot, 450);
    for size in ["30", "199", "200", "201", "449", "450", "451", "1000"] {
        for by_token in [true, false] {
            assert_eq!(account.pages(size, by_token, |_| {}), all, "{size} {by_token}");
        }
    }
}

#[test]
fn a_list_is_stable_while_contacts_change() {
    let account = Account::new(&[ALL]);
    let all = people(&account.hubspot, 300);
    let mut turn = 0;
    let listed = account.pages("40", true, |listed| {
        turn += 1;
        // Archives the last listed contact, an earlier contact, and a contact not listed yet.
        let gone = [&listed[listed.len() - 1], &listed[turn], &all[299 - turn]];
        for id in gone {
            account.hubspot.archive(id);
        }
        account.hubspot.change(&all[150], "lastname", &format!("Aaa {turn}"));
        people(&account.hubspot, 1);
    });
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "a contact is repeated");
    let stayed: Vec<_> = all[..280].iter().filter(|id| !listed.contains(id)).collect();
    assert!(stayed.is_empty(), "{stayed:?} are missing");
    assert!(listed.len() > 280 + 5, "new ones come at the end");
}

#[test]
fn a_list_continues_past_ten_thousand_contacts() {
    let account = Account::new(&[ALL]);
    let all = people(&account.hubspot, 10_400);
    // The gateway cuts pages larger than 64 KiB, and continues them itself.
    assert_eq!(account.pages("1000", true, |_| {}), all);
}

#[test]
fn an_unknown_position_is_an_empty_page() {
    let account = Account::new(&[ALL]);
    people(&account.hubspot, 3);
    for position in ["gone", "0", "99999999", "1 OR 1", "../owners"] {
        for name in ["Anchor", "NextPageToken"] {
            let answer = account.list(&[(name, position)]);
            assert!(ids(&answer).is_empty(), "{name} {position}: {}", answer.text);
            assert!(answer.json["objects"]["next_page_token"].is_null());
        }
    }
}

#[test]
fn a_worker_sees_own_and_unassigned_contacts_and_owners_are_cached() {
    let worker = "plugins.named.hubspot.config.workers.\"new@example.org\"";
    let account = Account::new(&[(worker, "\"N.Vale@acme.example\"")]);
    let (ana, ben, vale) = (
        account.hubspot.owner("Ana@Example.org"),
        account.hubspot.owner("ben@example.org"),
        account.hubspot.owner("n.vale@acme.example"),
    );
    let add = |owner: &str| account.hubspot.add(Person::new("Mora", "Lind").with("hubspot_owner_id", owner));
    let (anas, bens, unassigned, vales) = (add(&ana), add(&ben), add(""), add(&vale));
    let of = |worker| ids(&account.list(&[("Worker", worker)]));
    for _ in 0..3 {
        assert_eq!(of(ANA), [&*anas, &unassigned]);
    }
    assert_eq!(account.hubspot.count(Call::Owners), 1, "owners are cached");
    assert_eq!(of("new@example.org"), [&*unassigned, &vales]);
    assert_eq!(of("stranger@example.org"), [&*unassigned]);
    let status = |worker, id: &str| account.customer(worker, id).status;
    assert_eq!((status(ANA, &anas), status(ANA, &unassigned), status(ANA, &bens)), (200, 200, 404));
    assert_eq!((status("stranger@example.org", &anas), status(ANA, "7"), status(ANA, "search")), (404, 404, 404));
}

#[test]
fn a_customer_is_shown_with_all_configured_fields() {
    let config = |key: &str| format!("plugins.named.hubspot.config.{key}");
    let account = Account::new(&[
        (&config("portal"), "1234567"),
        (&config("avatar"), "\"photo_url\""),
        (&config("links.Shop"), "\"https://shop.example.com/?email={email}\""),
        (&config("links.Chat"), "\"https://chat.example.com/{handle}\""),
        (&config("labels.jobtitle"), "\"Job title\""),
    ]);
    let owner = account.hubspot.owner(ANA);
    let person = Person::new("Mora", "Lind")
        .with("email", "mora+lind@example.org")
        .with("mobilephone", "+44 (0)131 315 3300")
        .with("phone", "(202) 555-0107")
        .with("hs_calculated_phone_number_country_code", "US")
        .with("hs_whatsapp_phone_number", "call me")
        .with("photo_url", "https://img.example.com/7.png")
        .with("company", "Bakery")
        .with("jobtitle", "Owner")
        .with("hubspot_owner_id", &owner);
    let id = account.hubspot.add(person);
    let answer = account.customer(ANA, &id);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let want = json!({
        "customer_id": id,
        "display_name": "Mora Lind",
        "avatar": "https://img.example.com/7.png",
        "channels": [{ "type": "sms", "value": "+441313153300" }, { "type": "sms", "value": "+12025550107" }],
        "links": [
            {
                "type": "HubSpot",
                "value": format!("https://app.hubspot.com/contacts/1234567/record/0-1/{id}"),
                "display_name": "Open in HubSpot",
            },
            { "type": "Mail", "value": "mailto:mora+lind@example.org", "display_name": "mora+lind@example.org" },
            {
                "type": "Shop",
                "value": "https://shop.example.com/?email=mora%2Blind%40example.org",
                "display_name": "Shop",
            },
        ],
        "details": { "title": "HubSpot", "content": "Company: Bakery\nJob title: Owner" },
    });
    assert_eq!(answer.json["objects"]["customer"], want);
    account.gateway.log().wait_for("omitted 1 invalid phone numbers");
}

#[test]
fn a_contact_without_a_name_is_shown_under_a_fallback_name() {
    let account = Account::new(&[ALL]);
    let table = [
        (Person::new("Mora", ""), "Mora"),
        (Person::new("", "Lind"), "Lind"),
        (Person::new("", "").with("company", "Bakery").with("email", "b@example.org"), "Bakery"),
        (Person::new("", "").with("email", "b@example.org"), "b@example.org"),
    ];
    for (person, want) in table {
        let id = account.hubspot.add(person);
        let customer = account.customer(ANA, &id).json["objects"]["customer"].take();
        assert_eq!(customer["display_name"], want);
        assert_eq!(customer.get("channels").and_then(Value::as_array).map(Vec::len), Some(0));
    }
    let id = account.hubspot.add(Person::new("", ""));
    let found = account.list(&[]).json["objects"]["customers"].take();
    assert_eq!(found[4]["display_name"], format!("Contact {id}"));
}

#[test]
fn a_search_matches_the_same_fields_as_hubspots() {
    let account = Account::new(&[ALL, ("plugins.named.hubspot.config.country", "\"US\"")]);
    let mora = Person::new("Mora", "Lind").with("email", "mora@acme.example").with("phone", "(202) 555-0107");
    let otto = Person::new("Otto", "Vale").with("company", "Bakery").with("mobilephone", "+49 711 2842222");
    let (mora, otto) = (account.hubspot.add(mora), account.hubspot.add(otto));
    let table: [(&str, &[&str]); 8] = [
        ("mora", &[&mora]),
        ("LIND mora", &[&mora]),
        ("acme.example", &[&mora]),
        ("bakery", &[&otto]),
        ("+1 202 555", &[&mora]),
        ("+49 (711) 284", &[&otto]),
        ("nobody at all", &[]),
        ("a", &[&mora, &otto]),
    ];
    for (query, want) in table {
        assert_eq!(ids(&account.list(&[("Query", query)])), want, "{query}");
        let after = ids(&account.list(&[("Query", query), ("Anchor", &mora)]));
        let want: Vec<_> = want.iter().filter(|id| **id != mora).collect();
        assert_eq!(after.iter().collect::<Vec<_>>(), want, "{query}");
    }
}

#[test]
fn a_sender_is_found_by_number_in_any_notation() {
    let account = Account::new(&[]);
    let add = |name: &str, property: &str, number: &str| {
        account.hubspot.add(Person::new(name, "").with(property, number));
    };
    // This customer has the same national number in another country.
    add("Nobody", "phone", "+44 202 555 0107");
    add("Mora", "phone", "+1 (202) 555-0107");
    add("Otto", "mobilephone", "+49 0711 2842222");
    add("Irma", "hs_whatsapp_phone_number", "+390639733434");
    let american = Person::new("Zoë", "").with("phone", "(202) 555-0108");
    account.hubspot.add(american.with("hs_calculated_phone_number_country_code", "US"));
    let table = [
        ("+12025550107", "Mora"),
        ("whatsapp:+12025550107", "Mora"),
        ("+497112842222", "Otto"),
        ("whatsapp:+390639733434", "Irma"),
        ("+12025550108", "Zoë"),
        ("+12025550109", "+12025550109"),
    ];
    for (address, want) in table {
        assert_eq!(account.name_of(address), want, "{address}");
    }
}

#[test]
fn each_hubspot_failure_reaches_platform_and_operator() {
    let account = Account::new(&[ALL, ("plugins.breaker.failures", "1000")]);
    let id = people(&account.hubspot, 1).remove(0);
    let correlation = "(correlation aeb5f871-7f07-4993-9211-075dc63e7cbf)";
    let table = [
        (Action::Limited(Policy::Secondly), 503, "too many searches within a second"),
        (Action::Limited(Policy::TenSecondlyRolling), 503, "too many requests within ten seconds; retry after 10 s"),
        (Action::Limited(Policy::Daily), 503, "the account's daily request limit is reached"),
        (Action::Expired, 502, "the token has expired; replace the secret that is bound to HubSpot"),
        (Action::MissingScope("crm.objects.contacts.read"), 502, "add crm.objects.contacts.read to the private app"),
        (Action::Status(502), 503, "HubSpot: status 502"),
        (Action::Status(404), 502, "HubSpot: status 404"),
        (Action::Cut, 503, "HubSpot: "),
        (Action::Half, 503, "HubSpot: "),
    ];
    for (action, status, words) in table {
        for call in [Call::Search, Call::Contact] {
            account.hubspot.fault(Fault::new(action.clone()).on(call));
            let answer = if call == Call::Search { account.list(&[]) } else { account.customer(ANA, &id) };
            assert_eq!(answer.status, status, "{action:?} {call:?}: {}", answer.text);
            assert!(!answer.text.contains("HubSpot"), "{}", answer.text);
            account.gateway.log().wait_for(words);
        }
        assert_eq!(ids(&account.list(&[])), [&*id], "the list works after {action:?}");
    }
    assert!(account.gateway.log().text().contains(correlation));
}

#[test]
fn a_slow_or_unreachable_hubspot_costs_at_most_its_timeout() {
    let account = Account::new(&[ALL, ("plugins.named.hubspot.limits.outbound_timeout_ms", "200")]);
    people(&account.hubspot, 1);
    account.hubspot.fault(Fault::new(Action::Slow(Duration::from_secs(60))));
    assert_eq!(account.list(&[]).code(), "unavailable");
    account.gateway.log().wait_for("the request to HubSpot timed out");
    account.hubspot.go_down();
    assert_eq!(account.list(&[]).code(), "unavailable");
}

#[test]
fn a_large_page_is_shortened_when_hubspot_throttles() {
    let account = Account::new(&[ALL]);
    let all = people(&account.hubspot, 450);
    account.hubspot.fault(Fault::new(Action::Limited(Policy::Secondly)).on(Call::Search).after(1));
    let answer = account.list(&[("PageSize", "450")]);
    assert_eq!(ids(&answer), all[..200]);
    let token = answer.json["objects"]["next_page_token"].as_str().expect("a token").to_owned();
    assert_eq!(ids(&account.list(&[("PageSize", "450"), ("NextPageToken", &token)])), all[200..]);
    account.gateway.log().wait_for("the page is shorter than requested: HubSpot: too many searches");
}

#[test]
fn a_token_is_replaced_without_a_restart() {
    let account = Account::new(&[ALL]);
    let id = people(&account.hubspot, 1).remove(0);
    account.hubspot.rotate("pat-na1-another");
    assert_eq!(account.list(&[]).code(), "plugin-failed");
    account.gateway.log().wait_for("the token is invalid; check the secret that is bound to HubSpot");
    std::fs::write(account.gateway.path("files/hubspot-token"), "pat-na1-another").expect("a file");
    account.gateway.reload();
    assert_eq!(ids(&account.list(&[])), [&*id]);
    let sent = account.hubspot.exchanges().pop().expect("a request").authorization;
    assert_eq!(sent, "Bearer pat-na1-another");
}

#[test]
fn cached_owners_survive_a_restart_if_state_is_granted() {
    let hubspot = HubSpot::start();
    hubspot.owner(ANA);
    let assert_empty = |gateway: &Gateway| assert!(ids(&gateway.crm(&list(&[]))).is_empty());
    let without = setup(&hubspot).set("plugins.named.hubspot.state", "false").start();
    for times in 1..=2 {
        assert_empty(&without);
        assert_eq!(hubspot.count(Call::Owners), times);
    }
    let gateway = setup(&hubspot).start();
    assert_empty(&gateway);
    assert_empty(&gateway.restart());
    assert_eq!(hubspot.count(Call::Owners), 3);
}
