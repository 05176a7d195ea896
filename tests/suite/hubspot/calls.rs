//! Tests that Frontline's calls become call engagements in HubSpot, each once.

use frontgate_tests::hubspot::{Action, Call, Fault, LoggedCall, Person, Policy};
use frontgate_tests::{HubSpot, PUBLIC_URL, PlayedCall, TOKEN, Twilio};

use super::{ANA, Account, setup};
use crate::delivery::OURS;

const MORA: &str = "+12025550107";
const KEY: &str = "frontline_call_sid";

/// An account, whose owner is Ana and whose contact is Mora, and a Twilio with recorded calls.
struct Phones {
    account: Account,
    twilio: Twilio,
    owner: String,
    mora: String,
}

impl Phones {
    fn start() -> Self {
        Self::with(HubSpot::start(), &[])
    }

    /// Creates an account whose calls have a property with unique values.
    fn with_key() -> Self {
        let hubspot = HubSpot::start();
        hubspot.unique_call_property(KEY);
        Self::with(hubspot, &[("plugins.named.hubspot.config.call_sid_property", &format!("{KEY:?}"))])
    }

    fn with(hubspot: HubSpot, settings: &[(&str, &str)]) -> Self {
        let (twilio, owner) = (Twilio::start(), hubspot.owner(ANA));
        let mora = hubspot.add(Person::new("Mora", "Lind").with("phone", "+1 (202) 555-0107"));
        let setup = setup(&hubspot)
            .twilio(&twilio)
            .set("tenants.demo.twilio.voice.enabled", "true")
            .set("tenants.demo.twilio.voice.record", "\"record-from-answer-dual\"")
            .set("tenants.demo.roles.calls", "[\"hubspot\"]");
        let setup = settings.iter().fold(setup, |setup, (key, value)| setup.set(key, *value));
        let account = Account { gateway: setup.start(), hubspot };
        twilio.point_at(account.gateway.address(), PUBLIC_URL, "", TOKEN);
        Self { account, twilio, owner, mora }
    }

    fn inbound(&self, customer: &str) -> PlayedCall {
        self.twilio.inbound_call(customer, OURS, ANA).expect("a connected call")
    }

    /// Waits until the gateway has logged the call, and returns the only entry.
    fn entry(&self) -> LoggedCall {
        self.account.hubspot.wait_for_calls(1);
        let deliveries = self.account.gateway.wait_for_deliveries();
        assert!(deliveries.iter().all(|delivery| delivery["state"] == "sent"), "{deliveries:?}");
        let [entry] = self.account.hubspot.calls().try_into().expect("one entry");
        entry
    }
}

/// Returns the values of these properties.
fn values<'e, const N: usize>(entry: &'e LoggedCall, names: [&str; N]) -> [&'e str; N] {
    names.map(|name| entry.properties.get(name).map(String::as_str).unwrap_or_default())
}

const DETAILS: [&str; 7] = [
    "hs_call_external_id",
    "hs_call_direction",
    "hs_call_status",
    "hs_call_duration",
    "hs_call_from_number",
    "hs_call_to_number",
    "hubspot_owner_id",
];

#[test]
fn an_inbound_call_becomes_an_entry_with_contact_and_owner() {
    let phones = Phones::start();
    let call = phones.inbound(MORA);
    let entry = phones.entry();
    let want = [&*call.sid, "INBOUND", "COMPLETED", "61000", MORA, OURS, &*phones.owner];
    assert_eq!(values(&entry, DETAILS), want);
    assert_eq!(entry.contacts, [&*phones.mora]);
}

#[test]
fn an_outbound_call_becomes_an_entry_with_contact_and_owner() {
    let phones = Phones::start();
    let call = phones.twilio.outbound_call(ANA, MORA, OURS).expect("a connected call");
    let entry = phones.entry();
    let want = [&*call.sid, "OUTBOUND", "COMPLETED", "61000", OURS, MORA, &*phones.owner];
    assert_eq!(values(&entry, DETAILS), want);
    assert_eq!(entry.contacts, [&*phones.mora]);
}

#[test]
fn an_entry_has_the_recording_as_mp3() {
    let phones = Phones::start();
    let recording = phones.inbound(MORA).recording.expect("a recording");
    let [url] = values(&phones.entry(), ["hs_call_recording_url"]).map(str::to_owned);
    assert!(url.starts_with("https://api.twilio.com/") && url.ends_with(&format!("/{recording}.mp3")), "{url}");
}

#[test]
fn a_call_of_an_unknown_customer_becomes_an_entry_without_contact() {
    let phones = Phones::start();
    phones.inbound("+12025550188");
    assert!(phones.entry().contacts.is_empty());
}

#[test]
fn a_call_of_a_worker_who_is_no_owner_becomes_an_entry_without_owner() {
    let phones = Phones::start();
    phones.twilio.inbound_call(MORA, OURS, "new@example.org").expect("a connected call");
    let entry = phones.entry();
    assert!(!entry.properties.contains_key("hubspot_owner_id"), "{entry:?}");
    assert!(entry.properties["hs_call_body"].contains("new@example.org"), "{entry:?}");
}

#[test]
fn a_lost_answer_causes_no_second_entry() {
    for action in [Action::CutAfterActing, Action::Half] {
        let phones = Phones::start();
        phones.account.hubspot.fault(Fault::new(action.clone()).on(Call::CreateCall));
        phones.inbound(MORA);
        phones.entry();
        assert_eq!(phones.account.hubspot.count(Call::SearchCalls), 2, "{action:?}");
    }
}

#[test]
fn a_lost_answer_causes_no_second_entry_before_the_search_finds_it_if_the_sid_is_unique() {
    let phones = Phones::with_key();
    phones.account.hubspot.delay_search_of_calls();
    phones.account.hubspot.fault(Fault::new(Action::CutAfterActing).on(Call::CreateCall));
    let call = phones.inbound(MORA);
    let entry = phones.entry();
    assert_eq!(values(&entry, [KEY]), [&*call.sid]);
    assert_eq!(phones.account.hubspot.count(Call::CreateCall), 1);
}

#[test]
fn a_call_is_logged_once_hubspot_accepts_requests_again() {
    let phones = Phones::start();
    for fault in [
        Fault::new(Action::Limited(Policy::Secondly)).on(Call::SearchCalls),
        Fault::new(Action::Status(502)).on(Call::Search),
        Fault::new(Action::MissingScope("crm.objects.contacts.write")).on(Call::CreateCall),
    ] {
        phones.account.hubspot.fault(fault);
    }
    phones.inbound(MORA);
    phones.entry();
    for problem in ["too many searches within a second", "status 502", "add crm.objects.contacts.write"] {
        phones.account.gateway.log().wait_for(problem);
    }
}
