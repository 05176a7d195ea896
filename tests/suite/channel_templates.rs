//! Tests templates of channels: in Front as the provider lists them, and found in the texts of messages.

use frontgate_tests::front::{Action, Call, Draft, Fault, Recorded, Template};
use frontgate_tests::{Front, Setup, eventually};
use serde_json::{Value, json};

use crate::channel_commands::run_ok;
use crate::channels::{ChannelFixture, LEE, SERVER};

const ORDER: [&str; 3] = ["order/1", "approved", "Hello {{1}}, your order {{2}} is on its way."];
const CLOSED: [&str; 3] = ["closed", "approved", "We are closed <today>."];
const OFFER: [&str; 3] = ["offer", "pending", "An offer for {{1}}"];

fn fixture(templates: &[[&str; 3]]) -> ChannelFixture {
    with_interval(templates, "300")
}

fn with_interval(templates: &[[&str; 3]], interval: &str) -> ChannelFixture {
    let change = |setup: Setup| setup.set("tenants.demo.front.sms.templates_interval_ms", interval);
    ChannelFixture::with_provider(change, |provider| provider.templates(templates))
}

impl ChannelFixture {
    /// Waits until Front has this many templates, and returns them by name.
    fn templates(&self, count: usize) -> Vec<Template> {
        self.front.wait_for(|state| state.templates(&self.channel).len() == count);
        let mut all = self.front.templates(&self.channel);
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn template(&self, name: &str) -> Template {
        let all = self.front.templates(&self.channel);
        all.into_iter().find(|one| one.name == name).expect("it is there")
    }

    /// Returns the requests about templates that had an effect.
    fn template_calls(&self) -> Vec<Recorded> {
        let is_template = |one: &Recorded| matches!(one.call, Call::PutTemplate | Call::PatchTemplate);
        self.front.requests().into_iter().filter(|one| one.acted && is_template(one)).collect()
    }

    /// Waits until the plugin has listed all templates another two times, so that a change would have been seen.
    fn wait_for_lists(&self) {
        let pages = self.provider.look(|known| known.template_requests);
        self.provider.wait_for(|known| known.template_requests > pages + 4);
    }

    /// Sends a text, and returns the template that the plugin got with it.
    fn template_of(&self, text: &str) -> Value {
        self.front.send(&self.channel, Draft::new(text).to(LEE)).ids();
        self.provider.look(|known| known.messages.last().expect("a message").body["template"].clone())
    }
}

#[test]
fn the_providers_templates_are_offered_in_front() {
    let fixture = fixture(&[ORDER, CLOSED, OFFER]);
    let found = fixture.templates(3);
    let names: Vec<_> =
        found.iter().map(|one| (one.name.as_str(), one.is_disabled, one.status_name.as_str())).collect();
    let expected = [
        ("name of closed (en)", false, "APPROVED"),
        ("name of offer (en)", true, "PENDING"),
        ("name of order/1 (en)", false, "APPROVED"),
    ];
    assert_eq!(names, expected);
    assert_eq!(
        found[0].template_preview,
        "<div style=\"white-space: pre-wrap\"><div>We are closed &lt;today&gt;.</div></div>"
    );
    let variables: Vec<_> =
        found[2].variable_mappings.iter().map(|one| (one.uid.as_str(), one.kind.as_str())).collect();
    assert_eq!((found[2].blurb.as_str(), variables), (ORDER[2], vec![("1", "text"), ("2", "text")]));
    fixture.gateway.log().event("templates.synced").wait_for(1);
}

#[test]
fn only_changes_are_sent() {
    let fixture = fixture(&[ORDER, CLOSED, OFFER]);
    fixture.templates(3);
    fixture.wait_for_lists();
    assert_eq!(fixture.template_calls().len(), 3);
    fixture.provider.templates(&[ORDER, CLOSED, [OFFER[0], "approved", OFFER[2]]]);
    fixture.front.wait_for(|state| state.templates(&fixture.channel).iter().all(|one| !one.is_disabled));
    fixture.wait_for_lists();
    let calls = fixture.template_calls();
    let change = (calls[3].call, calls[3].body.clone());
    assert_eq!(change, (Call::PatchTemplate, json!({ "is_disabled": false, "status_name": "APPROVED" })));
    assert_eq!(calls.len(), 4);
}

#[test]
fn a_template_that_is_no_longer_listed_is_disabled() {
    let fixture = fixture(&[ORDER, CLOSED]);
    fixture.templates(2);
    fixture.provider.templates(&[ORDER]);
    fixture.front.wait_for(|state| state.templates(&fixture.channel).iter().any(|one| one.is_disabled));
    assert!(
        fixture.template("name of closed (en)").is_disabled && !fixture.template("name of order/1 (en)").is_disabled
    );
    fixture.wait_for_lists();
    assert_eq!(fixture.template_calls().len(), 3);
    fixture.provider.templates(&[ORDER, CLOSED]);
    fixture.front.wait_for(|state| state.templates(&fixture.channel).iter().all(|one| !one.is_disabled));
}

#[test]
fn a_restart_sends_no_template_again() {
    let fixture = with_interval(&[ORDER, CLOSED], "60000");
    fixture.templates(2);
    fixture.gateway.log().event("templates.synced").wait_for(1);
    let ChannelFixture { front, provider, mut gateway, channel } = fixture;
    gateway.kill();
    let listed = provider.look(|known| known.template_requests);
    let gateway = gateway.start_again();
    front.point_at(gateway.address());
    front.send(&channel, Draft::new(CLOSED[2]).to(LEE)).ids();
    // The stored list is used, and the next list is due in a minute.
    assert_eq!(provider.look(|known| known.messages[0].body["template"]["id"].clone()), "closed");
    assert_eq!(provider.look(|known| known.template_requests), listed);
}

#[test]
fn the_command_tells_which_templates_front_has() {
    let fixture = fixture(&[ORDER, CLOSED, OFFER]);
    let shown = || {
        let text = run_ok(&fixture.gateway, &["channels", "templates", &fixture.channel, "--json"]);
        let all: Value = serde_json::from_str(&text).expect("JSON");
        let fields = |one: &Value| ["id", "name", "language", "approval", "in_front"].map(|name| one[name].clone());
        all.as_array().expect("a list").iter().map(|one| json!(fields(one))).collect::<Vec<_>>()
    };
    let is_in_front = [
        json!(["closed", "name of closed", "en", "approved", "synchronized"]),
        json!(["offer", "name of offer", "en", "pending", "synchronized"]),
        json!(["order/1", "name of order/1", "en", "approved", "synchronized"]),
    ];
    eventually("Front has all templates", shown, |shown| *shown == is_in_front);
    for call in [Call::PutTemplate, Call::PatchTemplate] {
        fixture.front.fault(Fault::new(Action::FailBefore(503)).on(call).times(1_000_000));
    }
    fixture.provider.templates(&[["order/1", "approved", "Another text"], OFFER, ["new", "rejected", "A new one"]]);
    let is_delayed = [
        json!(["closed", "name of closed (en)", "", null, "gone"]),
        json!(["new", "name of new", "en", "rejected", "waiting"]),
        json!(["offer", "name of offer", "en", "pending", "synchronized"]),
        json!(["order/1", "name of order/1", "en", "approved", "waiting"]),
    ];
    eventually("the list has changed", shown, |shown| *shown == is_delayed);
    let table = run_ok(&fixture.gateway, &["channels", "templates", &fixture.channel]);
    let lines: Vec<Vec<_>> =
        table.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(lines[0], ["ID", "NAME", "LANGUAGE", "APPROVAL", "IN FRONT"]);
    assert!(lines.len() == 5 && lines[1].last().is_some_and(|cell| *cell == "gone"), "{table}");
}

#[test]
fn a_channel_without_templates_has_an_empty_list() {
    let fixture = with_interval(&[ORDER], "0");
    let shown = run_ok(&fixture.gateway, &["channels", "templates", &fixture.channel]);
    assert_eq!(shown, "no templates\n");
}

#[test]
fn a_failed_call_is_repeated_until_front_has_the_template() {
    let fixture = fixture(&[]);
    for action in [Action::CloseAfterActing, Action::BurstFor(300), Action::FailBefore(500)] {
        fixture.front.fault(Fault::new(action).on(Call::PutTemplate));
    }
    fixture.provider.templates(&[ORDER]);
    fixture.gateway.log().event("templates.failed").wait_for(1);
    fixture.gateway.log().event("templates.synced").wait_for(1);
    assert_eq!(fixture.templates(1)[0].blurb, ORDER[2]);
}

#[test]
fn an_app_without_templates_is_reported() {
    let fixture = fixture(&[]);
    fixture.front.allow_templates(false);
    fixture.provider.templates(&[ORDER, CLOSED]);
    fixture.gateway.log().event("templates.failed").saying("Front rejected 2").wait_for(1);
    fixture.front.allow_templates(true);
    fixture.templates(2);
}

#[test]
fn the_interval_zero_switches_templates_off() {
    let fixture = with_interval(&[CLOSED], "0");
    assert_eq!(fixture.template_of(CLOSED[2]), Value::Null);
    assert_eq!(fixture.provider.look(|known| known.template_requests), 0);
}

#[test]
fn too_many_templates_keep_the_previous_list() {
    let fixture = ChannelFixture::with(|setup| {
        let setup = setup.set("tenants.demo.front.sms.templates_interval_ms", "300");
        setup.set("tenants.demo.front.sms.templates_max", "2")
    });
    fixture.provider.templates(&[ORDER, CLOSED]);
    fixture.templates(2);
    fixture.provider.templates(&[OFFER, ORDER, CLOSED]);
    fixture.gateway.log().event("templates.failed").saying("templates_max = 2").wait_for(1);
    assert_eq!(fixture.template_of(CLOSED[2])["id"], "closed");
}

#[test]
fn a_message_from_a_template_carries_its_values() {
    let fixture = fixture(&[ORDER, CLOSED, OFFER]);
    fixture.templates(3);
    let text = fixture.template("name of order/1 (en)").filled(&[("1", "Mora Lind"), ("2", "4711")]);
    let expected = json!({ "id": "order/1", "language": "en", "values": [["1", "Mora Lind"], ["2", "4711"]] });
    assert_eq!(fixture.template_of(&text), expected);
    assert_eq!(fixture.template_of(CLOSED[2]), json!({ "id": "closed", "language": "en", "values": [] }));
}

#[test]
fn a_text_that_is_not_exactly_one_approved_template_is_plain() {
    let fixture = fixture(&[ORDER, CLOSED, OFFER, ["twin", "approved", "Hello {{1}}"]]);
    fixture.templates(4);
    let both = "Hello Mora, your order 4711 is on its way.";
    for text in ["We are closed <today>!", "An offer for Mora", both, "planted text"] {
        assert_eq!(fixture.template_of(text), Value::Null, "{text}");
    }
}

#[test]
fn a_removed_channel_leaves_no_templates_behind() {
    let (front, provider) = (Front::start(), frontgate_tests::Provider::start());
    let setup = Setup::courier(&front, &provider).set("tenants.demo.front.sms.templates_interval_ms", "300");
    let gateway = setup.start();
    front.point_at(gateway.address());
    provider.templates(&[CLOSED]);
    let first = front.connect(SERVER).expect("a channel");
    front.wait_for(|state| state.templates(&first).len() == 1);
    front.disconnect(&first, frontgate_tests::front::Farewell::Signed);
    provider.wait_for(|known| known.removed.contains(&first));
    let again = front.reconnect(&first, SERVER).expect("a channel");
    let puts = |state: &frontgate_tests::front::State| {
        state.requests().iter().filter(|one| one.call == Call::PutTemplate && one.acted).count()
    };
    front.wait_for(|state| puts(state) == 2);
    assert_eq!((front.templates(&again).len(), again), (1, first));
}
