//! Tests the demo of `cargo xtask run`: each command of its tour, and the output shown in README.md.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use frontgate_tests::front::MessageState;
use frontgate_tests::{Demo, component, renamed, root};

const BUILD: &str = "plugins/echo-channel/build.sh";

/// Returns the commands of the tour, in order.
fn tour() -> Vec<String> {
    let text = fs::read_to_string(root().join("xtask/tour.txt")).expect("the tour");
    let lines = text.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    lines.map(str::to_owned).collect()
}

/// Returns each command in the section "Try it" of README.md, with the output shown below it.
fn shown() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("README.md")).expect("the page");
    let (_, section) = text.split_once("## Try it\n").expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let blocks = section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("console\n$ "));
    let mut shown = Vec::new();
    for block in blocks {
        let mut lines = block.lines();
        let command = lines.next().expect("a command").to_owned();
        shown.push((command, lines.map(str::to_owned).collect()));
    }
    shown
}

/// Returns the words of a line, with generated ids and numbers replaced by `…`.
fn words(line: &str) -> Vec<&str> {
    let is_generated = |word: &str| ["CH", "cnv_", "cha_"].iter().any(|prefix| word.starts_with(prefix));
    let replace = |word: &'_ str| is_generated(word) && word.len() > 8 || word.parse::<u32>().is_ok();
    line.split_whitespace().map(|word| if replace(word) { "…" } else { word }).collect()
}

#[test]
fn each_command_of_the_tour_shows_what_the_readme_shows() {
    let (demo, shown) = (Demo::start(), shown());
    for command in tour().iter().filter(|command| *command != BUILD) {
        demo.gateway.wait_for_deliveries();
        let output = demo.run(command);
        let (_, expected) = shown.iter().find(|(known, _)| known == command).expect("README.md shows the command");
        assert!(!expected.is_empty(), "README.md shows the output of {command}");
        for (expected, actual) in expected.iter().zip(output.lines()).take_while(|(expected, _)| *expected != "...") {
            assert_eq!(words(expected), words(actual), "{command}: {output}");
        }
        let is_cut = expected.last().is_some_and(|line| line == "...");
        assert!(is_cut || expected.len() == output.lines().count(), "{command}: {output}");
    }
}

#[test]
fn the_demo_ends_in_sent_deliveries_and_an_echo() {
    let demo = Demo::start();
    for command in tour().iter().filter(|command| *command != BUILD) {
        demo.run(command);
    }
    let deliveries = demo.gateway.wait_for_deliveries();
    let events: Vec<_> = deliveries.iter().map(|delivery| delivery["event"].as_str().expect("an event")).collect();
    assert_eq!(events, ["onParticipantAdded", "routing", "message", "inbound"]);
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "sent"), "{deliveries:#?}");
    let [conversation] = &demo.twilio.conversations()[..] else { panic!("{}", demo.twilio.dump()) };
    assert_eq!(conversation.friendly_name.as_deref(), Some("Kateřina Sharma"));
    assert_eq!(conversation.workers(), ["ana@example.org"]);
    let [conversation] = &demo.front.conversations()[..] else { panic!("{}", demo.front.dump()) };
    let [message, echo] = &conversation.messages[..] else { panic!("{}", demo.front.dump()) };
    assert_eq!((&message.state, &echo.state), (&MessageState::Sent, &MessageState::Imported));
    assert!(echo.is_inbound && echo.text == message.text);
}

#[test]
fn a_plugin_of_the_demo_is_replaced_without_a_restart() {
    let (demo, tour) = (Demo::start(), tour());
    let message = tour.iter().find(|command| command.contains("front-simulator")).expect("the message");
    demo.run(message);
    // Changes the prefix of message ids, which needs no compiler.
    demo.gateway.drop_plugin("echo-channel", &renamed(&component("echo-channel"), "sent-", "SENT-"));
    demo.gateway.reload();
    demo.run(message);
    let prefixes = demo.front.look(|state| {
        let ids = state.messages().filter(|message| !message.is_inbound).filter_map(|one| one.external_id.clone());
        ids.map(|id| id[..5].to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(prefixes, ["sent-", "SENT-"]);
}

#[test]
fn the_tour_names_a_script_that_builds_a_plugin() {
    assert!(tour().iter().any(|command| command == BUILD), "{BUILD} is in the tour");
    let mode = fs::metadata(root().join(BUILD)).expect("the script").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "the script is executable");
    let source = fs::read_to_string(root().join("plugins/echo-channel/src/lib.rs")).expect("the source");
    assert!(source.contains("= message.text;"), "the tour's change can be made");
}

#[test]
fn the_demo_leaves_no_fault_in_its_configuration() {
    let demo = Demo::start();
    for command in ["frontgate check --config config.toml", "frontgate check --online --config config.toml"] {
        let said = demo.run(command);
        assert!(said.contains("no problems found"), "{said}");
    }
}
