//! Tests whole conversations with the plugin `reception`, and with its copy in Python.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use frontgate_tests::{Gateway, Setup, State, Twilio, component, languages_path, program, root, target};

use crate::delivery::{OURS, point_twilio_at, workers};

const MORA: &str = "+12025550107";

/// The plugin in Python, built once for all tests.
static PYTHON: LazyLock<Vec<u8>> = LazyLock::new(python);

/// Builds the example in Python, in a copy of its folder.
fn python() -> Vec<u8> {
    let (from, folder) = (root().join("examples/reception"), target().join("examples/reception"));
    for part in ["src", "wit"] {
        // Missing in the first run.
        let _ = fs::remove_dir_all(folder.join(part));
        copy(&from.join(part), &folder.join(part));
    }
    fs::copy(from.join("build.sh"), folder.join("build.sh")).expect("a file");
    let build = Command::new("./build.sh")
        .current_dir(&folder)
        .env("PATH", languages_path())
        .stdin(Stdio::null())
        .output()
        .expect("build.sh can be run");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    fs::read(folder.join("reception.wasm")).expect("build.sh leaves a plugin")
}

/// Copies a project's folder, without generated files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name();
        match entry.path().is_dir() {
            true if name == "released" || name == "__pycache__" => {}
            true => copy(&entry.path(), &to.join(name)),
            false => drop(fs::copy(entry.path(), to.join(name)).expect("a file")),
        }
    }
}

/// Starts a gateway whose only plugin is the bot.
fn start(plugin: &[u8]) -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let setting = |name: &str| format!("plugins.named.reception.config.{name}");
    let gateway = Setup::new()
        .plugin("reception", plugin)
        .twilio(&twilio)
        .set("plugins.named.reception.actions", "true")
        .set("plugins.named.reception.state", "true")
        .set("plugins.named.reception.quick_build", "true")
        .set(&setting("question"), "\"Sales or service?\"")
        .set(&setting("again"), "\"Please reply with one word.\"")
        .set(&setting("handed_over"), "\"Thank you.\"")
        .set(&setting("otherwise"), "\"ana@example.org\"")
        .set(&setting("choices"), "{ sales = \"ben@example.org\", service = \"chloe@example.org\" }")
        .set(&setting("without_crm"), "\"continue\"")
        .set("tenants.demo.roles.crm", "[]")
        .set("tenants.demo.roles.routing", "[\"reception\"]")
        .set("tenants.demo.roles.conversations", "[\"reception\"]")
        .start();
    twilio.filters(&["onConversationAdd", "onMessageAdded", "onParticipantAdded"]);
    point_twilio_at(&twilio, &gateway);
    (twilio, gateway)
}

/// Returns the texts of a conversation, in order.
fn texts(state: &State, sid: &str) -> Vec<String> {
    let messages = state.conversation(sid).map(|conversation| conversation.messages.clone()).unwrap_or_default();
    messages.into_iter().map(|message| message.body).collect()
}

/// A customer of both versions is asked twice, chooses, and is left alone.
fn is_received(plugin: &[u8]) {
    let (twilio, gateway) = start(plugin);
    let sid = twilio.inbound_sms(MORA, OURS, "Hello").expect("a conversation");
    let say = |text: &str, answers: usize| {
        let before = twilio.look(|state| texts(state, &sid).len());
        assert_eq!(twilio.inbound_sms(MORA, OURS, text).as_deref(), Ok(&*sid));
        twilio.wait_for(|state| texts(state, &sid).len() == before + 1 + answers);
    };
    twilio.wait_for(|state| texts(state, &sid).len() == 2 && workers(state, &sid) == ["reception"]);
    say("What?", 1);
    say("The service, please", 1);
    twilio.wait_for(|state| workers(state, &sid) == ["chloe@example.org"]);
    say("sales", 0);
    gateway.wait_for_deliveries();
    let expected = [
        "Hello",
        "Sales or service?",
        "What?",
        "Please reply with one word.",
        "The service, please",
        "Thank you.",
        "sales",
    ];
    assert_eq!(twilio.look(|state| texts(state, &sid)), expected);
    assert_eq!(twilio.conversation(&sid).workers(), ["chloe@example.org"]);
    let bot = twilio.conversation(&sid).messages.iter().filter(|message| message.author == "reception").count();
    assert_eq!(bot, 3);
    assert!(!gateway.log().text().contains("What?"));
}

#[test]
fn a_customer_is_asked_handed_over_and_left_alone() {
    is_received(&component("reception"));
}

#[test]
fn a_customer_is_received_by_the_python_version_in_the_same_way() {
    is_received(&PYTHON);
}

#[test]
fn the_python_version_passes_the_same_cases() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let example = root().join("examples/reception");
    fs::copy(example.join("plugin.toml"), folder.path().join("plugin.toml")).expect("a file");
    fs::write(folder.path().join("reception.wasm"), &*PYTHON).expect("a file");
    copy(&example.join("cases"), &folder.path().join("cases"));
    let mut test = Command::new(program());
    test.args(["plugin", "test", "reception.wasm"]).current_dir(folder.path());
    let output = test.env("XDG_CACHE_HOME", target().join("test-cache")).output().expect("the program starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("✓ reply-choice"), "{report}");
    let of = |project: &str| fs::canonicalize(root().join(project).join("cases")).expect("a folder");
    assert_eq!(of("examples/reception"), of("plugins/reception"));
}
