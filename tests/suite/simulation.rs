//! Tests simulations: a second process with the same configuration and plugins, between simulated platforms, from which
//! nothing that could change something leaves.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use frontgate_tests::{Front, Gateway, Names, Person, Provider, Setup, Twilio, eventually, program};
use serde_json::Value;

use crate::channel_twilio;
use crate::channels::LEE;
use crate::delivery::{OURS, start_with_twilio};

const PATH: &str = "/simulator/conversations";
const JSON: &str = "/simulator/conversations.json";
/// The database of a command without a gateway: on Postgres, a gateway must have run before.
const SQLITE: &str = "\"sqlite:data/frontgate.db\"";
const KIM: &str = "+12025550107";

/// A gateway whose console has started a simulation.
struct Simulation {
    gateway: Gateway,
    person: Person,
}

impl Simulation {
    fn start(gateway: Gateway) -> Self {
        let person = gateway.sign_in("ana", "operator");
        let simulation = Self { gateway, person };
        simulation.play("start", &[("tenant", "demo")]);
        simulation.wait_for("that it runs", |state| state["phase"] == "running");
        simulation
    }

    /// Starts a gateway with every role, whose real Twilio is a simulator as well, and a simulation of it.
    fn of_frontline(change: impl FnOnce(Setup) -> Setup) -> (Twilio, Self) {
        let (twilio, gateway) = start_with_twilio(|setup| change(full(setup)));
        (twilio, Self::start(gateway))
    }

    #[track_caller]
    fn play(&self, action: &str, form: &[(&str, &str)]) {
        let answer = self.person.post(&format!("{PATH}/{action}"), form);
        assert!([200, 303].contains(&answer.status), "{action}: {answer:?}");
    }

    #[track_caller]
    fn wait_for(&self, expected: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        self.person.wait_for(JSON, expected, is_expected)
    }

    #[track_caller]
    fn customer_writes(&self, text: &str) {
        self.play("customer-writes", &[("from", KIM), ("to", OURS), ("text", text)]);
    }

    /// Waits until the first conversation has its worker, and returns the state.
    #[track_caller]
    fn wait_for_worker(&self) -> Value {
        self.wait_for("a worker", |state| state["conversations"][0]["workers"][0] == "ana@example.org")
    }

    fn folders(&self) -> usize {
        let run = self.gateway.path("data/run");
        let entries = fs::read_dir(run).expect("the folder of sockets").flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("simulation-")).count()
    }
}

fn full(setup: Setup) -> Setup {
    setup.set("console.simulator", "\"full\"")
}

fn count(list: &Value, is_counted: impl Fn(&Value) -> bool) -> usize {
    list.as_array().expect("a list").iter().filter(|entry| is_counted(entry)).count()
}

fn texts(conversation: &Value) -> Vec<&str> {
    let messages = conversation["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

#[test]
fn a_customers_message_is_routed_and_answered_in_a_simulation() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.customer_writes("planted text");
    let state = simulation.wait_for_worker();
    let conversation = state["conversations"][0]["sid"].as_str().expect("a SID").to_owned();
    let answer = [("conversation", &*conversation), ("worker", "ana@example.org"), ("text", "an answer")];
    simulation.play("worker-answers", &answer);
    let state = simulation.wait_for("the answer", |state| texts(&state["conversations"][0]).len() == 2);
    assert_eq!(texts(&state["conversations"][0]), ["planted text", "an answer"]);
    let routing = state["callbacks"].as_array().expect("callbacks").iter().find(|one| one["event"] == "routing");
    let routing = routing.expect("the routing callback");
    assert!(routing["status"] == 200 && routing["deadline_ms"] == 6_000, "{routing}");
    assert_eq!(state["deviations"], Value::Array(Vec::new()), "{state}");
}

#[test]
fn a_simulation_changes_nothing_at_the_real_twilio_and_in_the_running_gateway() {
    let (twilio, simulation) = Simulation::of_frontline(|setup| setup);
    let requests = |gateway: &Gateway| {
        let metrics = gateway.admin_get("/metrics").1;
        let lines = metrics.lines().filter(|line| {
            ["frontgate_requests_total", "frontgate_deliveries", "frontgate_plugin_calls"]
                .iter()
                .any(|name| line.starts_with(name))
        });
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = requests(&simulation.gateway);
    simulation.customer_writes("planted text");
    simulation.wait_for_worker();
    assert_eq!(requests(&simulation.gateway), before);
    assert_eq!(simulation.gateway.deliveries(), Vec::<Value>::new());
    assert_eq!(twilio.requests().len(), 0, "{}", twilio.dump());
    assert_eq!(count(&simulation.person.json("/live.json")["rows"], |_| true), 0);
}

#[test]
fn a_plugins_request_that_could_change_something_is_held_and_shown() {
    let (front, provider) = (Front::start(), Provider::start());
    let gateway = full(Setup::courier(&front, &provider)).start();
    let simulation = Simulation::start(gateway);
    simulation.play("connect", &[("app", "sms")]);
    let state = simulation.wait_for("a channel", |state| state["apps"][0]["channels"][0]["is_connected"] == true);
    let channel = state["apps"][0]["channels"][0]["id"].as_str().expect("an id").to_owned();
    let draft = [("app", "sms"), ("channel", &*channel), ("to", LEE), ("text", "planted text")];
    simulation.person.post(&format!("{PATH}/teammate-writes"), &draft);
    let state = simulation.wait_for("a held request", |state| state["held"][0].is_object());
    let request = state["held"][0]["request"].as_str().expect("a request");
    let site = format!("POST http://{}/messages (", provider.address());
    assert!(request.starts_with(&site) && request.ends_with(" bytes)"), "{request}");
    assert_eq!(provider.look(|known| known.attempts), 0);
    assert_eq!(front.requests().len(), 0);
}

#[test]
fn front_and_twilio_are_simulated_around_twilio_channel() {
    let (front, twilio, names) = (Front::start(), Twilio::start(), Names::start());
    let hosts = ["conversations.twilio.com", "mcs.us1.twilio.com", "media.us1.twilio.com", "content.twilio.com"];
    let outbound: Vec<_> = hosts.iter().map(|host| format!("\"https://{host}\"")).collect();
    let bound = "[{ to = \"https://conversations.twilio.com\", header = \"authorization\", value = \"Basic {sid}:{secret}\", \
                 secrets = { sid = { file = \"files/api-key\" }, secret = { file = \"files/api-secret\" } }, \
                 visible = [\"sid\"] }]";
    let service = format!("\"https://conversations.twilio.com/v1/Services/{}\"", Twilio::SERVICE_SID);
    let setup = channel_twilio::setup(&front, &twilio)
        // No real host has an address.
        .set("plugins.nameservers", names.setting())
        .set("plugins.named.twilio-channel.outbound", format!("[{}]", outbound.join(", ")))
        .set("plugins.named.twilio-channel.bound_secrets", bound)
        .set("plugins.named.twilio-channel.config.conversations_url", service)
        .set("plugins.named.twilio-channel.config.media_url", "\"https://mcs.us1.twilio.com\"");
    let simulation = Simulation::start(full(setup).start());
    simulation.play("connect", &[("app", "sms"), ("token", channel_twilio::OURS)]);
    let ours = channel_twilio::OURS;
    simulation.play("customer-writes", &[("from", LEE), ("to", ours), ("text", "planted text")]);
    let in_front = |state: &Value, text: &str| texts(&state["apps"][0]["conversations"][0]).contains(&text);
    let state = simulation.wait_for("the message in Front", |state| in_front(state, "planted text"));
    let conversation = state["apps"][0]["conversations"][0]["id"].as_str().expect("an id").to_owned();
    simulation.play("teammate-replies", &[("app", "sms"), ("conversation", &conversation), ("text", "an answer")]);
    let at_twilio = |state: &Value| texts(&state["conversations"][0]).contains(&"an answer");
    let state = simulation.wait_for("the answer at Twilio", at_twilio);
    assert_eq!(count(&state["held"], |_| true), 0, "{state}");
    assert_eq!((front.requests().len(), twilio.requests().len()), (0, 0));
}

#[test]
fn a_simulated_429_is_followed_by_a_success() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.play("fault", &[("fault", "too-many-requests")]);
    simulation.customer_writes("planted text");
    let state = simulation.wait_for_worker();
    let limited = count(&state["requests"], |request| request["status"] == 429);
    assert_eq!(limited, 2, "{state}");
}

#[test]
fn a_lost_answer_is_unknown_until_the_platform_was_asked() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| {
        setup.set("delivery.retry_first_ms", "1500").set("delivery.retry_longest_ms", "1500")
    });
    simulation.play("fault", &[("fault", "lost-participant")]);
    simulation.customer_writes("planted text");
    let routing = |state: &Value, expected: &str| {
        count(&state["deliveries"], |one| one["event"] == "routing" && one["state"] == expected) == 1
    };
    simulation.wait_for("an unknown outcome", |state| routing(state, "unknown"));
    let state = simulation.wait_for("the end", |state| routing(state, "sent"));
    let added = |request: &Value| {
        request["method"] == "POST" && request["path"].as_str().is_some_and(|path| path.ends_with("/Participants"))
    };
    assert_eq!(count(&state["requests"], added), 1, "{state}");
    assert_eq!(state["conversations"][0]["workers"], serde_json::json!(["ana@example.org"]));
}

#[test]
fn a_webhook_with_a_wrong_signature_is_refused() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.play("fault", &[("fault", "wrong-signature")]);
    let form = [("from", KIM), ("to", OURS), ("text", "planted text")];
    let answer = simulation.person.post(&format!("{PATH}/customer-writes"), &form);
    assert_eq!(answer.status, 409, "the webhook before the conversation rejects it: {answer:?}");
    simulation.wait_for("the refusal", |state| state["callbacks"][0]["status"] == 403);
}

#[test]
fn a_repeated_webhook_has_no_second_effect() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.customer_writes("planted text");
    simulation.wait_for_worker();
    let sent = |state: &Value| count(&state["deliveries"], |delivery| delivery["state"] == "sent");
    let before = simulation.wait_for("the deliveries", |state| sent(state) > 0);
    simulation.play("fault", &[("fault", "repeat")]);
    let state = simulation.wait_for("the repeat", |state| {
        state["notice"].as_str().is_some_and(|notice| notice.ends_with("again: answered 200"))
    });
    assert_eq!(count(&state["deliveries"], |_| true), count(&before["deliveries"], |_| true), "{state}");
}

#[test]
fn a_simulation_does_not_exist_for_people_of_other_tenants() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| {
        let setup = setup.set("tenants.other.path", "\"/other\"");
        setup.set("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]")
    });
    let other = ["--for", "eve", "--role", "operator", "--tenant", "other"];
    let other = simulation.gateway.sign_in_with(&other);
    let page = other.json(JSON);
    assert!(page["phase"] == "none" && page["tenants"] == serde_json::json!(["other"]), "{page}");
    for (action, form) in [("end", &[][..]), ("start", &[("tenant", "demo")][..])] {
        assert_eq!(other.post(&format!("{PATH}/{action}"), form).status, 404, "{action}");
    }
}

#[test]
fn a_simulation_ends_with_the_gateway() {
    let (_twilio, mut simulation) = Simulation::of_frontline(|setup| setup);
    assert_eq!(simulation.folders(), 1);
    simulation.gateway.kill();
    eventually("no folder", || simulation.folders(), |folders| *folders == 0);
}

#[test]
fn a_simulation_ends_after_its_time() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup.set("console.simulation_ms", "1000"));
    simulation.wait_for("its end", |state| state["phase"] == "ended");
    assert_eq!(simulation.folders(), 0);
}

#[test]
fn start_over_begins_an_empty_simulation() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.customer_writes("planted text");
    simulation.wait_for_worker();
    simulation.play("start", &[("tenant", "demo")]);
    let state = simulation.wait_for("that it runs", |state| state["phase"] == "running");
    assert_eq!(count(&state["conversations"], |_| true), 0, "{state}");
    simulation.play("end", &[]);
    simulation.wait_for("its end", |state| state["phase"] == "ended");
    let actions = simulation.person.json("/audit.json")["actions"].clone();
    let of = |name: &str| count(&actions, |action| action["action"] == name);
    assert_eq!((of("start simulation"), of("end simulation")), (2, 1), "{actions}");
}

#[test]
fn a_viewer_may_not_start_a_simulation() {
    let gateway = full(Setup::misbehaving()).start();
    let viewer = gateway.sign_in("bob", "viewer");
    assert_eq!(viewer.post(&format!("{PATH}/start"), &[("tenant", "demo")]).status, 403);
    assert_eq!(viewer.get(PATH).status, 403);
}

#[test]
fn without_the_level_full_the_page_says_how_to_enable_simulations() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "operator");
    let page = person.get(PATH);
    assert!(page.status == 200 && page.text.contains("simulator = &quot;full&quot;"), "{page:?}");
    assert_eq!(person.post(&format!("{PATH}/start"), &[("tenant", "demo")]).status, 409);
}

#[test]
fn a_running_simulation_can_be_ended_after_simulations_were_turned_off() {
    let (_twilio, simulation) = Simulation::of_frontline(|setup| setup);
    simulation.gateway.reconfigure(&[("console.simulator", "\"ask\"")]);
    assert_eq!(simulation.person.json(JSON)["phase"], "running");
    simulation.play("end", &[]);
    simulation.wait_for("the level", |state| state["phase"] == "off");
}

#[test]
fn a_refused_file_is_not_simulated() {
    let (_twilio, gateway) = start_with_twilio(full);
    gateway.drop_plugin("plugin", b"no component");
    gateway.log().event("plugin.kept").wait_for(1);
    let simulation = Simulation::start(gateway);
    simulation.customer_writes("planted text");
    simulation.wait_for_worker();
}

/// Starts the command, and returns it with the path of its control socket.
fn command(setup: &Setup) -> (Child, String) {
    let mut process = Command::new(program())
        .args(["simulate", "--until-input-ends", "--config"])
        .arg(setup.write())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    (process, ready["control"].as_str().expect("a path").to_owned())
}

/// Sends a request to the control socket, and returns the answer.
fn control(socket: &str, method: &str, path: &str, body: &str) -> Value {
    let mut stream = UnixStream::connect(socket).expect("the socket");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

#[test]
fn the_command_ends_with_its_input() {
    let twilio = Twilio::start();
    let setup = Setup::every_role(&twilio).set("store.url", SQLITE);
    let (mut process, socket) = command(&setup);
    assert!(fs::metadata(&socket).is_ok(), "{socket}");
    drop(process.stdin.take());
    assert!(process.wait().expect("its end").success());
    assert!(fs::metadata(&socket).is_err(), "{socket}");
}

#[test]
fn a_reload_keeps_the_simulated_platforms() {
    let twilio = Twilio::start();
    let route = |worker: &str| format!("\"worker {worker}@example.org\"");
    let setup = Setup::every_role(&twilio).set("store.url", SQLITE);
    let setup = setup.set("plugins.named.plugin.config.route", route("ana"));
    let (mut process, socket) = command(&setup);
    let setup = setup.set("plugins.named.plugin.config.route", route("ben"));
    setup.write();
    let admin = Path::new(&socket).with_file_name("admin.sock");
    let mut stream = UnixStream::connect(admin).expect("the admin socket");
    write!(stream, "POST /reload HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("\"changes\":[\"plugins.named.plugin.config.route\"]"), "{answer}");
    let message = format!("{{\"from\": {KIM:?}, \"to\": {OURS:?}, \"text\": \"planted text\"}}");
    let played = control(&socket, "POST", "/customer-writes", &message);
    assert!(played["notice"].is_string(), "{played}");
    let state = || control(&socket, "GET", "/state", "");
    eventually("the new worker", state, |state| state["conversations"][0]["workers"][0] == "ben@example.org");
    assert_eq!(twilio.requests().len(), 0);
    drop(process.stdin.take());
    assert!(process.wait().expect("its end").success());
}
