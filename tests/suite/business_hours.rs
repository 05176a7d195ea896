//! Tests business hours and availability of `owner-routing`, from a customer's message to the worker.

use frontgate_tests::{Gateway, Setup, State, Twilio, Web, component};

use crate::delivery::{OURS, point_twilio_at, workers};

const MORA: &str = "+12025550101";
const DEFAULT: &str = "default@example.org";
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Starts a gateway whose workers have these hours every day.
fn start(hours: &str, change: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway) {
    let csv = "Id,Name,Phone,Owner\nc-1,Mora Lind,+12025550101,ana@example.org\n";
    let twilio = Twilio::start();
    let columns = "{ id = \"Id\", name = \"Name\", phone = \"Phone\", owner = \"Owner\" }";
    let setup = Setup::bundled(csv)
        .twilio(&twilio)
        .set("plugins.named.plugin.config.columns", columns)
        .set("plugins.named.owner-routing.state", "true")
        .set("plugins.named.owner-routing.actions", "true")
        .set("plugins.named.owner-routing.config.round_robin", "\"ana@example.org, ben@example.org\"")
        .set("plugins.named.owner-routing.config.hours.zone", "\"Europe/Berlin\"");
    let setup = DAYS.iter().fold(setup, |setup, day| {
        setup.set(&format!("plugins.named.owner-routing.config.hours.{day}"), format!("{hours:?}"))
    });
    let gateway = change(setup).start();
    point_twilio_at(&twilio, &gateway);
    (twilio, gateway)
}

/// Returns the texts that customers did not write.
fn answers(state: &State, sid: &str) -> Vec<String> {
    let messages = state.conversation(sid).map(|conversation| conversation.messages.clone()).unwrap_or_default();
    messages.into_iter().filter(|message| !message.author.starts_with('+')).map(|message| message.body).collect()
}

#[test]
fn a_closed_office_answers_once_and_leaves_the_conversation_to_the_default_worker() {
    let (twilio, gateway) =
        start("closed", |setup| setup.set("plugins.named.owner-routing.config.closed.answer", "\"We are closed.\""));
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == [DEFAULT] && !answers(state, &sid).is_empty());
    gateway.wait_for_deliveries();
    assert_eq!(twilio.look(|state| answers(state, &sid)), ["We are closed."]);
}

#[test]
fn a_repeated_routing_answers_no_second_time() {
    // The next plugin of the chain fails, so that the gateway asks both again.
    let (twilio, gateway) = start("closed", |setup| {
        setup
            .plugin("misbehaving", &component("misbehaving"))
            .set("tenants.demo.roles.routing", "[\"owner-routing\", \"misbehaving\"]")
            .set("delivery.routing_patience_ms", "500")
            .set("plugins.named.misbehaving.config.route", "\"unavailable\"")
            .set("plugins.named.owner-routing.config.closed.answer", "\"We are closed.\"")
    });
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == [DEFAULT]);
    gateway.log().event("delivery.routing_plugin_skipped").wait_for(1);
    gateway.wait_for_deliveries();
    assert_eq!(twilio.look(|state| answers(state, &sid)), ["We are closed."]);
}

#[test]
fn a_waiting_office_is_asked_again_until_the_patience_ends() {
    let (twilio, gateway) = start("closed", |setup| {
        setup
            .set("plugins.named.owner-routing.config.closed.then", "\"wait\"")
            .set("delivery.routing_patience_ms", "300")
    });
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == [DEFAULT]);
    let line = gateway.log().event("delivery.routing_plugin_skipped").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("outside business hours: waiting")), "{line}");
}

#[test]
fn an_owner_who_is_not_available_in_frontline_is_skipped() {
    let api = Web::scripted(|head| {
        let body = match head.split(' ').nth(1)? {
            "/v1/Users/ana%40example.org" => r#"{"is_available":false}"#,
            "/v1/Users/ben%40example.org" => r#"{"is_available":true}"#,
            _ => return None,
        };
        Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    });
    let url = format!("http://127.0.0.1:{}", api.port());
    let (twilio, gateway) = start("00:00-24:00", |setup| {
        let bound = format!(
            "[{{ to = {url:?}, header = \"authorization\", value = \"Basic {{key}}\", \
             secrets = {{ key = {{ file = \"files/frontline-key\" }} }} }}]"
        );
        setup
            .file("frontline-key", "planted-frontline-key")
            .set("plugins.named.owner-routing.outbound", format!("[{url:?}]"))
            .set("plugins.named.owner-routing.outbound_networks", "[\"127.0.0.1/32\"]")
            .set("plugins.named.owner-routing.bound_secrets", bound)
            .set("plugins.named.owner-routing.config.availability", "\"frontline\"")
            .set("plugins.named.owner-routing.config.availability_url", format!("{url:?}"))
    });
    let sid = twilio.inbound_sms(MORA, OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ben@example.org"]);
    gateway.wait_for_deliveries();
    let requests = api.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests.iter().all(|head| head.to_ascii_lowercase().contains("basic ")), "{requests:?}");
    assert!(!gateway.log().text().contains("planted-frontline-key"));
}
