//! Tests the selection of the sending number.

use frontgate_sdk::{ContactChannel, Customer, Error, Outgoing as _, OutgoingRequest, Result, testing};
use numbers::Numbers;

const ANA: &str = "ana@example.org";

/// Settings with all kinds of numbers.
const NUMBERS: [(&str, &str); 9] = [
    ("own_customers_only", "false"),
    ("sms", "+12025550100"),
    ("whatsapp", "whatsapp:+12025550101"),
    ("callback", "+12025550102"),
    ("countries.+44.sms", "+442079460100"),
    ("countries.+44.whatsapp", "+442079460101"),
    ("countries.+44131.sms", "+441314960100"),
    ("workers.ana@example.org.sms", "+12025550110"),
    ("workers.o.vale@example.org.whatsapp", "+12025550111"),
];

fn ask(worker: &str, kind: &str, value: &str) -> Result<String> {
    Numbers::proxy_address(OutgoingRequest {
        worker: worker.to_owned(),
        customer_id: "7".to_owned(),
        channel: ContactChannel { kind: kind.to_owned(), value: value.to_owned() },
    })
}

fn found(address: &str) -> Result<String> {
    Ok(address.to_owned())
}

#[test]
fn a_workers_number_precedes_the_countrys_and_that_the_channels() {
    testing::settings(NUMBERS);
    let table = [
        ("ben@example.org", "sms", "+12025550199", "+12025550100"),
        ("ben@example.org", "sms", "+442079460199", "+442079460100"),
        ("ben@example.org", "sms", "+441314960199", "+441314960100"),
        ("ben@example.org", "whatsapp", "whatsapp:+441314960199", "whatsapp:+442079460101"),
        ("ben@example.org", "whatsapp", "whatsapp:+12025550199", "whatsapp:+12025550101"),
        ("ben@example.org", "callback", "+442079460199", "+12025550102"),
        (ANA, "sms", "+441314960199", "+12025550110"),
        ("Ana@Example.org", "sms", "+12025550199", "+12025550110"),
        (ANA, "whatsapp", "whatsapp:+12025550199", "whatsapp:+12025550101"),
        ("o.vale@example.org", "whatsapp", "whatsapp:+442079460199", "whatsapp:+12025550111"),
    ];
    for (worker, kind, to, want) in table {
        assert_eq!(ask(worker, kind, to), found(want), "{worker} {kind} {to}");
    }
}

#[test]
fn a_customers_own_number_is_never_the_sender() {
    testing::settings(NUMBERS);
    assert_eq!(ask(ANA, "sms", "+12025550110"), found("+12025550100"));
    assert_eq!(ask("ben@example.org", "sms", "+441314960100"), found("+442079460100"));
    let problem = "every number for the channel `whatsapp` is the customer's own";
    assert_eq!(ask(ANA, "whatsapp", "whatsapp:+12025550101"), Err(Error::Invalid(problem.to_owned())));
}

#[test]
fn a_channel_without_a_number_is_not_found_and_logged() {
    testing::settings(NUMBERS);
    assert_eq!(ask(ANA, "voice", "+12025550199"), Err(Error::NotFound));
    assert_eq!(testing::logged(), ["warn: no number is configured for the channel `voice`"]);
}

#[test]
fn a_worker_writes_only_to_visible_customers_at_known_addresses() {
    testing::settings([("sms", "+12025550100"), ("whatsapp", "+12025550101"), ("voice", "+12025550102")]);
    let customer = Customer::new("7", "Mora Lind").sms("+12025550107").whatsapp("+12025550108").owned_by(ANA);
    testing::customers([customer]);
    let foreign = || Err(Error::Forbidden("the customer does not have this address".to_owned()));
    let table = [
        (ANA, "sms", "+12025550107", found("+12025550100")),
        (ANA, "sms", "+12025550108", foreign()),
        (ANA, "sms", "+12025550109", foreign()),
        (ANA, "whatsapp", "whatsapp:+12025550108", found("whatsapp:+12025550101")),
        (ANA, "whatsapp", "whatsapp:+12025550107", foreign()),
        (ANA, "voice", "+12025550107", found("+12025550102")),
        (ANA, "voice", "+12025550108", found("+12025550102")),
        (ANA, "voice", "+12025550109", foreign()),
        ("ben@example.org", "sms", "+12025550107", Err(Error::NotFound)),
    ];
    for (worker, kind, to, want) in table {
        assert_eq!(ask(worker, kind, to), want, "{worker} {kind} {to}");
    }
    assert!(testing::logged().is_empty());
}

#[test]
fn an_address_of_no_customer_needs_no_customer() {
    testing::settings([("sms", "+12025550100"), ("chat", "the-company")]);
    testing::customers([Customer::new("8", "Otto Vale").sms("+12025550108")]);
    assert_eq!(ask(ANA, "sms", "+12025550109"), found("+12025550100"));
    assert_eq!(ask(ANA, "chat", "mora"), found("the-company"));
    assert_eq!(ask(ANA, "sms", "+12025550108"), Err(Error::NotFound), "the address of another customer");
}

#[test]
fn invalid_settings_are_rejected() {
    let no_number = |key| format!("setting `{key}` is not an E.164 number; write for example \"+12025550199\"");
    let no_channel = |key| format!("setting `{key}` must end in a channel: sms, whatsapp, voice, chat");
    let no_owner = |key| format!("setting `{key}`: write `sms`, `countries.+44.sms` or `workers.IDENTITY.sms`");
    let table = [
        ("sms", "2025550199", no_number("sms")),
        ("sms", "+02025550199", no_number("sms")),
        ("sms", "+120255", no_number("sms")),
        ("sms", "+1202555019912345", no_number("sms")),
        ("sms", "+1 202 555 0199", no_number("sms")),
        ("sms", "whatsapp:+12025550199", no_number("sms")),
        ("callback", "12025550199", no_number("callback")),
        ("countries.+44.whatsapp", "whatsapp:+44", no_number("countries.+44.whatsapp")),
        ("workers.ana@example.org.sms", "", no_number("workers.ana@example.org.sms")),
        ("workers.ana@example.org", "+12025550199", no_channel("workers.ana@example.org")),
        ("countries.+44.smss", "+12025550199", no_channel("countries.+44.smss")),
        ("workers.sms", "+12025550199", no_owner("workers.sms")),
        ("countries.+44", "+12025550199", no_owner("countries.+44")),
        (
            "countries.44.sms",
            "+12025550199",
            "setting `countries.44.sms`: no calling code; write for example `countries.+44.sms`".to_owned(),
        ),
        (
            "country.+44.sms",
            "+12025550199",
            "unknown setting `country.+44.sms`: did you mean `countries.+44.sms`?".to_owned(),
        ),
        (
            "worker.ana@example.org.sms",
            "+12025550199",
            "unknown setting `worker.ana@example.org.sms`: did you mean `workers.ana@example.org.sms`?".to_owned(),
        ),
        (
            "own_customer_only",
            "true",
            "unknown setting `own_customer_only`: did you mean `own_customers_only`?".to_owned(),
        ),
        ("own_customers_only", "yes", "the setting `own_customers_only` is `yes`; write true or false".to_owned()),
    ];
    for (key, value, want) in table {
        testing::settings([(key, value)]);
        assert_eq!(ask(ANA, "sms", "+12025550107"), Err(Error::Failed(want)), "{key} = {value}");
    }
}
