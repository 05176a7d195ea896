//! Tests `frontgate setup twilio`, and `check --online` for account and service.

mod writes;

use frontgate_tests::{Effect, Gateway, PUBLIC_URL, Setup, TOKEN, Terminal, Twilio, run};
use serde_json::{Value, json};

use crate::twilio_simulator::{Client, Form, KEY};

const ACCOUNT: &str = "/v1/Configuration/Webhooks";
const ADDRESSES: &str = "/v1/Configuration/Addresses";
const OTHER: &str = "https://other.example.org/hook";
const NUMBER: &str = "+12025550199";
const COMMAND: [&str; 4] = ["setup", "twilio", "--config", "config.toml"];

/// The simulator, and a configuration that uses it.
struct Fixture {
    twilio: Twilio,
    client: Client,
    setup: Setup,
}

impl Fixture {
    /// Creates a tenant that uses the account's default service.
    fn of_account() -> Self {
        let twilio = Twilio::start();
        let (client, setup) = (Client::new(&twilio, KEY), Setup::misbehaving().twilio(&twilio));
        setup.write();
        Self { twilio, client, setup }
    }

    /// Creates a tenant whose configuration names the service.
    fn of_service() -> Self {
        let mut fixture = Self::of_account();
        let url = format!("\"{}/v1/Services/{}\"", fixture.twilio.url(), Twilio::SERVICE_SID);
        fixture.setup = fixture.setup.set("tenants.demo.twilio.conversations_url", url);
        fixture.setup.write();
        fixture
    }

    /// Sets webhooks or addresses as another client.
    fn set(&self, path: &str, form: Form<'_>) {
        let (status, answer) = self.client.post(path, form);
        assert!(status < 300, "{answer}");
    }

    /// Runs the command. Returns its exit code and output.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        output(&self.setup, &[&COMMAND, arguments].concat())
    }

    fn check(&self) -> (Option<i32>, String) {
        output(&self.setup, &["check", "--online", "--config", "config.toml"])
    }

    /// Returns URLs and events of a configuration.
    fn webhooks(&self, path: &str) -> [Value; 3] {
        let found = self.client.get(path).1;
        ["pre_webhook_url", "post_webhook_url", "filters"].map(|key| found[key].clone())
    }

    /// Returns the number of changes by REST so far.
    fn changes(&self) -> usize {
        self.twilio.effects().len()
    }
}

fn output(setup: &Setup, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(setup.folder(), arguments);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), text.concat())
}

fn service() -> String {
    format!("/v1/Services/{}/Configuration/Webhooks", Twilio::SERVICE_SID)
}

fn ours() -> String {
    format!("{PUBLIC_URL}/callbacks/conversations")
}

/// Asserts that an output has all these texts.
fn assert_has(shown: &str, texts: &[&str]) {
    texts.iter().for_each(|text| assert!(shown.contains(text), "{text}: {shown}"));
}

#[test]
fn without_apply_setup_shows_the_changes_and_writes_nothing() {
    let fixture = Fixture::of_account();
    let (code, shown) = fixture.run(&[]);
    assert_eq!((code, fixture.changes()), (Some(1), 0), "{shown}");
    let pre = format!("PreWebhookUrl = {}", ours());
    let service = format!("webhooks of the service {}\n  no URL: inherits", Twilio::SERVICE_SID);
    assert_has(&shown, &["webhooks of the account", "pre-event   not set", &service, "addresses\n  none configured"]);
    assert_has(&shown, &[&pre, "Filters = onConversationAdd, onParticipantAdded", "write these changes with --apply"]);
}

#[test]
fn setup_prints_the_urls_of_frontline_as_a_checklist() {
    let fixture = Fixture::of_account();
    let shown = fixture.run(&[]).1;
    for name in ["crm", "outgoing-conversation", "templates", "routing"] {
        let line = shown.lines().find(|line| line.ends_with(&format!("{PUBLIC_URL}/callbacks/{name}")));
        assert!(line.is_some_and(|line| line.starts_with("  [ ] Frontline > Manage")), "{name}: {shown}");
    }
    assert_has(&shown, &["  [ ] Conversations > Manage"]);
    assert_has(&fixture.run(&["--apply", "--yes"]).1, &["  [ ] Conversations > Manage"]);
    assert_has(&fixture.run(&[]).1, &["  [x] Conversations > Manage"]);
}

#[test]
fn the_checklist_has_the_urls_of_calls_if_the_gateway_answers_them() {
    let mut fixture = Fixture::of_account();
    assert!(!fixture.run(&[]).1.contains("/callbacks/voice"));
    fixture.setup = fixture.setup.set("tenants.demo.twilio.voice.enabled", "true");
    fixture.setup.write();
    let url = format!("{PUBLIC_URL}/callbacks/voice");
    assert_has(&fixture.run(&[]).1, &[&format!("A call comes in: {url}"), &format!("Voice request URL: {url}")]);
}

#[test]
fn a_tenant_without_a_plugin_for_webhooks_needs_none() {
    let mut fixture = Fixture::of_account();
    fixture.setup = fixture.setup.set("tenants.demo.roles.crm", "[]");
    fixture.setup.write();
    let (code, shown) = fixture.run(&["--apply", "--yes"]);
    assert_eq!((code, fixture.changes()), (Some(0), 0), "{shown}");
    assert_has(&shown, &["the tenant needs no webhooks of Conversations", "  [ ] Conversations > Manage"]);
}

#[test]
fn setup_writes_the_webhooks_that_check_online_expects() {
    let fixture = Fixture::of_account();
    assert_eq!(fixture.check().0, Some(1));
    let (code, shown) = fixture.run(&["--apply", "--yes"]);
    assert_eq!(code, Some(0), "{shown}");
    let events = json!(["onConversationAdd", "onParticipantAdded"]);
    assert_eq!(fixture.webhooks(ACCOUNT), [ours().into(), ours().into(), events]);
    let (code, shown) = fixture.check();
    assert_eq!(code, Some(0), "{shown}");
    let inherited = format!("by the account, inherited by service {}", Twilio::SERVICE_SID);
    assert_has(&shown, &["onParticipantAdded is sent to", &inherited]);
}

#[test]
fn a_second_run_of_setup_changes_nothing() {
    let fixture = Fixture::of_service();
    let arguments = ["--apply", "--yes", "--event", "onMessageAdd", "--number", NUMBER];
    let (code, shown) = fixture.run(&arguments);
    assert_eq!((code, fixture.changes()), (Some(0), 2), "{shown}");
    let (code, shown) = fixture.run(&arguments);
    assert_eq!((code, fixture.changes()), (Some(0), 2), "{shown}");
    assert_has(&shown, &["nothing to change"]);
}

#[test]
fn a_webhook_of_another_system_is_replaced_only_if_it_is_named() {
    let fixture = Fixture::of_account();
    fixture.set(ACCOUNT, &[("PostWebhookUrl", OTHER), ("Filters", "onMessageAdded")]);
    for named in ["https://wrong.example.org/hook", "https://other.example.org"] {
        let (code, shown) = fixture.run(&["--apply", "--yes", "--replace", named]);
        assert_eq!((code, fixture.changes()), (Some(1), 1), "{shown}");
        assert_has(&shown, &["replaces https://other.example.org/hook", &format!("--replace {OTHER}")]);
    }
    let (code, shown) = fixture.run(&["--apply", "--yes", "--replace", OTHER]);
    assert_eq!(code, Some(0), "{shown}");
    let events = json!(["onMessageAdded", "onConversationAdd", "onParticipantAdded"]);
    assert_eq!(fixture.webhooks(ACCOUNT), [ours().into(), ours().into(), events]);
}

#[test]
fn a_service_that_inherits_foreign_webhooks_gets_its_own() {
    let fixture = Fixture::of_service();
    fixture.set(ACCOUNT, &[("PreWebhookUrl", OTHER), ("Filters", "onMessageAdd")]);
    let (code, shown) = fixture.run(&["--apply", "--yes"]);
    assert_eq!((code, fixture.changes()), (Some(1), 1), "{shown}");
    let (code, shown) = fixture.run(&["--apply", "--yes", "--replace", OTHER]);
    assert_eq!(code, Some(0), "{shown}");
    let events = json!(["onConversationAdd", "onParticipantAdded"]);
    assert_eq!(fixture.webhooks(&service()), [ours().into(), ours().into(), events]);
    assert_eq!(fixture.webhooks(ACCOUNT), [OTHER.into(), Value::Null, json!(["onMessageAdd"])]);
}

#[test]
fn check_online_reads_a_services_own_webhooks_before_the_accounts() {
    let fixture = Fixture::of_account();
    let gateway = Setup::misbehaving().start();
    fixture.twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    fixture.twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    assert_eq!(fixture.check().0, Some(0));
    fixture.set(&service(), &[("PostWebhookUrl", OTHER), ("Filters", "onParticipantAdded")]);
    let (code, shown) = fixture.check();
    let place = format!("webhook is {OTHER}, in the service {}", Twilio::SERVICE_SID);
    assert_eq!(code, Some(1), "{shown}");
    assert_has(&shown, &["the URL of the pre-event webhook is not set, in the service", &place]);
}

#[test]
fn events_of_users_are_enabled_on_the_account() {
    let fixture = Fixture::of_service();
    fixture.run(&["--apply", "--yes"]);
    assert_eq!(fixture.webhooks(ACCOUNT)[1], Value::Null);
    let (code, shown) = fixture.run(&["--apply", "--yes", "--event", "onUserAdded"]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(fixture.webhooks(ACCOUNT), [Value::Null, ours().into(), json!(["onUserAdded"])]);
    assert_eq!(fixture.webhooks(&service())[2], json!(["onConversationAdd", "onParticipantAdded"]));
}

#[test]
fn webhooks_that_go_to_flex_are_replaced_only_if_flex_is_named() {
    let fixture = Fixture::of_account();
    fixture.run(&["--apply", "--yes"]);
    fixture.set(ACCOUNT, &[("Target", "flex")]);
    let (code, shown) = fixture.run(&["--apply", "--yes"]);
    assert_eq!(code, Some(1), "{shown}");
    assert_has(&shown, &["the webhooks of the account go to Flex", "--replace flex"]);
    assert_eq!(fixture.run(&["--apply", "--yes", "--replace", "flex"]).0, Some(0));
    assert_eq!(fixture.client.get(ACCOUNT).1["target"], "webhook");
}

#[test]
fn a_number_creates_conversations_in_the_service() {
    let fixture = Fixture::of_service();
    let numbers = ["--number", NUMBER, "--number", "whatsapp:+12025550199"];
    let (code, shown) = fixture.run(&[&["--apply", "--yes"][..], &numbers].concat());
    assert_eq!(code, Some(0), "{shown}");
    let found = fixture.client.get(ADDRESSES).1["address_configurations"].clone();
    let kinds: Vec<_> = found.as_array().expect("a list").iter().map(|one| one["type"].clone()).collect();
    assert_eq!(kinds, ["sms", "whatsapp"]);
    let expected = json!({ "enabled": true, "type": "default", "conversation_service_sid": Twilio::SERVICE_SID });
    assert_eq!(found[0]["auto_creation"], expected);
    let line = format!("{NUMBER}  creates conversations in {}", Twilio::SERVICE_SID);
    assert_has(&fixture.run(&numbers).1, &[&line, "nothing to change"]);
}

#[test]
fn the_webhook_of_a_number_is_shown_and_replaced_only_if_it_is_named() {
    let fixture = Fixture::of_account();
    let form = [
        ("Type", "sms"),
        ("Address", NUMBER),
        ("AutoCreation.Enabled", "true"),
        ("AutoCreation.Type", "webhook"),
        ("AutoCreation.WebhookUrl", OTHER),
    ];
    fixture.set(ADDRESSES, &form);
    fixture.run(&["--apply", "--yes"]);
    let (code, shown) = fixture.run(&["--apply", "--yes", "--number", NUMBER]);
    assert_eq!(code, Some(1), "{shown}");
    assert_has(&shown, &[&format!("the default service, with webhook {OTHER}"), &format!("--replace {OTHER}")]);
    let (code, shown) = fixture.run(&["--apply", "--yes", "--number", NUMBER, "--replace", OTHER]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(fixture.client.get(&format!("{ADDRESSES}/%2B12025550199")).1["auto_creation"]["type"], "default");
}

#[test]
fn a_number_of_the_tenant_that_goes_elsewhere_is_shown() {
    let mut fixture = Fixture::of_account();
    fixture.setup = fixture.setup.set("tenants.demo.twilio.numbers", format!("[\"{NUMBER}\"]"));
    fixture.setup.write();
    assert!(!fixture.run(&[]).1.contains(NUMBER));
    fixture.set(ADDRESSES, &[("Type", "sms"), ("Address", NUMBER), ("AutoCreation.Enabled", "false")]);
    let (line, fix) = (format!("{NUMBER}  creates no conversations"), format!("add --number {NUMBER}"));
    assert_has(&fixture.run(&[]).1, &[&line, &fix]);
}

#[test]
fn the_webhooks_of_a_conversation_are_shown() {
    let fixture = Fixture::of_account();
    let sid = fixture.twilio.inbound_sms("+12025550107", NUMBER, "Hello").expect("no webhook rejects it");
    let form = [("Target", "webhook"), ("Configuration.Url", OTHER), ("Configuration.Filters", "onMessageAdded")];
    fixture.set(&format!("/v1/Conversations/{sid}/Webhooks"), &form);
    let shown = fixture.run(&["--conversation", &sid]).1;
    assert_has(&shown, &[&format!("conversation {sid}\n  webhook  {OTHER}  onMessageAdded")]);
}

#[test]
fn apply_without_a_terminal_requires_yes() {
    let fixture = Fixture::of_account();
    let script = format!("{} {} --apply < /dev/null", frontgate_tests::program().display(), COMMAND.join(" "));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(fixture.setup.folder()).output();
    let output = output.expect("a shell");
    assert_has(&String::from_utf8_lossy(&output.stderr), &["confirm with --yes"]);
    assert_eq!((output.status.code(), fixture.changes()), (Some(1), 0));
}

#[test]
fn on_a_terminal_apply_asks_first() {
    let fixture = Fixture::of_account();
    for (answer, code, changes) in [("", 1, 0), ("n", 1, 0), ("y", 0, 1)] {
        let mut terminal = Terminal::start(fixture.setup.folder(), &[&COMMAND[..], &["--apply"]].concat());
        terminal.wait_for("Write these changes to Twilio? [y/N]");
        assert_eq!(fixture.changes(), 0);
        terminal.enter(answer);
        let (ended, shown) = terminal.finish();
        assert_eq!((ended, fixture.changes()), (Some(code), changes), "{shown}");
    }
}

#[test]
fn a_change_during_the_confirmation_is_not_overwritten() {
    let fixture = Fixture::of_account();
    let mut terminal = Terminal::start(fixture.setup.folder(), &[&COMMAND[..], &["--apply"]].concat());
    terminal.wait_for("[y/N]");
    fixture.set(ACCOUNT, &[("PostWebhookUrl", OTHER)]);
    terminal.enter("y");
    let (code, shown) = terminal.finish();
    assert_eq!(code, Some(1));
    assert_has(&shown, &["has changed meanwhile; nothing was written"]);
    assert_eq!(fixture.twilio.effects(), [Effect::WebhooksSet]);
}

#[test]
fn webhooks_reach_the_gateway_after_setup() {
    let fixture = Fixture::of_account();
    let gateway: Gateway = Setup::every_role(&fixture.twilio).start();
    fixture.twilio.point_at(gateway.address(), "https://old.example.org", "", TOKEN);
    let before = "https://old.example.org/callbacks/conversations";
    let (code, shown) = fixture.run(&["--apply", "--yes", "--replace", before]);
    assert_eq!(code, Some(0), "{shown}");
    fixture.twilio.custom_routing(false);
    fixture.twilio.inbound_sms("+12025550107", NUMBER, "Hello").expect("no webhook rejects it");
    let fired: Vec<_> = fixture.twilio.webhooks().into_iter().map(|fired| (fired.event, fired.status)).collect();
    let expected = ["onConversationAdd", "onParticipantAdded"].map(|event| (event.to_owned(), Some(200)));
    assert_eq!(fired, expected);
}

#[test]
fn setup_exits_with_2_if_twilio_does_not_answer() {
    let fixture = Fixture::of_account();
    fixture.twilio.go_down();
    let (code, shown) = fixture.run(&["--apply", "--yes"]);
    assert_eq!(code, Some(2), "{shown}");
    assert_has(&shown, &["request not sent"]);
}

#[test]
fn setup_without_credentials_names_the_missing_keys() {
    let setup = Setup::misbehaving();
    setup.write();
    let (code, shown) = output(&setup, &COMMAND);
    assert_eq!(code, Some(1));
    assert_has(&shown, &["no credentials for Twilio's API; add api_key and api_secret"]);
}

#[test]
fn an_unknown_event_is_rejected() {
    let (code, shown) = Fixture::of_account().run(&["--event", "onMessageSent"]);
    assert_eq!(code, Some(2));
    assert_has(&shown, &["onMessageSent"]);
}
