//! Tests `frontgate channels create` and `reauthorize`.

use std::fs;
use std::path::PathBuf;

use frontgate_tests::Front;
use frontgate_tests::front::{Call, Draft};

use crate::channel_commands::{run_failing, run_ok};
use crate::channels::{ChannelFixture, LEE, SERVER};

/// Writes a file beside the fixture's configuration, and returns its path.
fn file(fixture: &ChannelFixture, name: &str, content: &str) -> PathBuf {
    let path = fixture.gateway.path(name);
    fs::write(&path, content).expect("a file");
    path
}

/// Returns the arguments that create a channel in an inbox, with an API token.
fn create(fixture: &ChannelFixture, token: &str, inbox: &str, more: &[&str]) -> Vec<String> {
    let token = file(fixture, "api-token", token);
    let arguments = ["channels", "create", "--inbox", inbox, "--api-token-file", &token.display().to_string()];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_channel_is_created_in_front_and_connected_with_its_credential() {
    let fixture = ChannelFixture::new();
    fixture.front.app_server(SERVER);
    let credential = file(&fixture, "credential", "planted text\n");
    let more = ["--name", "Support", "--auth", "bearer", "--credential-file", &credential.display().to_string()];
    let output = run_ok(&fixture.gateway, &words(&create(&fixture, Front::API_TOKEN, "inb_1", &more)));
    let id = output.split_whitespace().nth(1).expect("an id").to_owned();
    assert_eq!(output.trim(), format!("channel {id} created and connected"));
    let channel = fixture.front.channel(&id);
    assert!(channel.is_connected && channel.token.as_deref() == Some("planted text"), "{channel:?}");
    let requests = fixture.front.requests();
    let asked = requests.iter().find(|request| request.call == Call::CreateChannel).expect("a request");
    let expected = serde_json::json!({
        "type": "custom", "application_uid": Front::APP, "name": "Support",
        "credentials": { "access_token": "planted text" },
    });
    assert_eq!(asked.body, expected);
}

#[test]
fn front_refuses_a_wrong_token_and_an_unknown_inbox() {
    let fixture = ChannelFixture::new();
    fixture.front.app_server(SERVER);
    let table =
        [("wrong", "inb_1", "it needs the scope channels:write"), (Front::API_TOKEN, "cha_1", "no inbox cha_1")];
    for (token, inbox, reason) in table {
        let output = run_failing(&fixture.gateway, &words(&create(&fixture, token, inbox, &[])));
        assert!(output.contains(reason), "{output}");
    }
}

#[test]
fn a_credential_needs_a_kind_and_the_other_way_round() {
    let fixture = ChannelFixture::new();
    let credential = file(&fixture, "credential", "planted text").display().to_string();
    let output = run_failing(&fixture.gateway, &words(&create(&fixture, "t", "inb_1", &["--auth", "bearer"])));
    assert!(output.contains("--credential-file"), "{output}");
    let more = ["--credential-file", &*credential];
    let output = run_failing(&fixture.gateway, &words(&create(&fixture, "t", "inb_1", &more)));
    assert!(output.contains("needs --auth bearer or --auth api-key"), "{output}");
}

#[test]
fn a_new_credential_is_used_at_once_and_the_channel_stays_the_same() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    let address = fixture.front.channel(&fixture.channel).webhook_url;
    let credential = file(&fixture, "credential", "a new token").display().to_string();
    let arguments = ["channels", "reauthorize", &fixture.channel, "--credential-file", &credential];
    let output = run_ok(&fixture.gateway, &arguments);
    assert!(output.contains("the provider answers and accepts the credential"), "{output}");
    assert_eq!(fixture.front.channel(&fixture.channel).webhook_url, address);
    assert_eq!(fixture.front.reply(&sent.conversation, "planted text 2").ids().1, sent.ids().1);
}

#[test]
fn a_credential_that_the_plugin_rejects_changes_nothing() {
    let fixture = ChannelFixture::new();
    let credential = file(&fixture, "credential", "refused").display().to_string();
    let arguments = ["channels", "reauthorize", &fixture.channel, "--credential-file", &credential];
    let output = run_failing(&fixture.gateway, &arguments);
    assert!(output.contains("this token is not known"), "{output}");
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted text").to(LEE));
    assert!(sent.outcome.is_ok(), "{sent:?}");
}
