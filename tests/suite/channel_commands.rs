//! Tests the operators' commands for Front's channels: list, show, disconnect, `send front` and `verify front`.

use frontgate_tests::front::{Action, Call, Connect, Draft, Farewell, Fault, MessageState, UNDEFINED, signature};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, Provider, Setup, TOKEN, run};
use serde_json::json;

use crate::channels::{ChannelFixture, LEE, SERVER};

/// Runs a command that must succeed, and returns both of its outputs.
#[track_caller]
pub(crate) fn run_ok(gateway: &Gateway, arguments: &[&str]) -> String {
    let (fine, output) = run_command(gateway, arguments);
    assert!(fine, "{arguments:?}: {output}");
    output
}

/// Runs a command that must fail, and returns both of its outputs.
#[track_caller]
pub(crate) fn run_failing(gateway: &Gateway, arguments: &[&str]) -> String {
    let (fine, output) = run_command(gateway, arguments);
    assert!(!fine, "{arguments:?}: {output}");
    output
}

fn run_command(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let output = gateway.command(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// Starts a gateway that answers Front before the provider has answered, and retries after one minute.
pub(crate) fn with_early_promises() -> ChannelFixture {
    ChannelFixture::with(|setup| {
        setup
            .set("tenants.demo.front.sms.timeout_ms", "400")
            .set("delivery.retry_first_ms", "60000")
            .set("delivery.retry_longest_ms", "60000")
    })
}

/// Waits until a message has failed in Front, and returns the reason.
pub(crate) fn failure_reason(front: &Front, message: &str) -> String {
    let why = |state: &frontgate_tests::front::State| match &state.message(message).expect("it is there").state {
        MessageState::Failed(Some(why)) => Some(why.clone()),
        _ => None,
    };
    front.wait_for(|state| why(state).is_some());
    front.look(why).expect("it has failed")
}

/// Returns the output of `channels list` as JSON.
fn list_channels(gateway: &Gateway, more: &[&str]) -> Vec<serde_json::Value> {
    let json = run_ok(gateway, &[&["channels", "list", "--json"], more].concat());
    serde_json::from_str(&json).expect("a list")
}

/// Returns the key in a channel's URL.
fn channel_key(fixture: &ChannelFixture) -> String {
    let url = fixture.front.channel(&fixture.channel).webhook_url;
    url.rsplit('/').next().expect("a key").to_owned()
}

#[test]
fn channels_list_hides_keys_and_channels_show_reveals_them() {
    let fixture = with_early_promises();
    let (gateway, channel) = (&fixture.gateway, &*fixture.channel);
    let removed = fixture.front.connect(Connect::to(SERVER).token("planted text")).expect("a channel");
    let shown = run_ok(gateway, &["channels", "show", &removed]);
    assert!(shown.contains("credential          stored") && !shown.contains("planted text"), "{shown}");
    fixture.front.disconnect(&removed, Farewell::Signed);
    fixture.provider.always(Some(Trouble::Status(503)));
    fixture.front.send(channel, Draft::new("planted text").to(LEE));
    let list = run_ok(gateway, &["channels", "list"]);
    assert!(list.contains("demo") && list.contains(channel) && list.contains("connected"), "{list}");
    assert!(!list.contains("fg-") && !list.contains(&removed), "{list}");
    assert!(run_ok(gateway, &["channels", "list", "--all"]).contains(&removed));
    let [line] = &list_channels(gateway, &["--tenant", "demo", "--app", "sms"])[..] else { panic!("one channel") };
    assert_eq!((line["channel"].as_str(), line["to_provider"].as_u64()), (Some(channel), Some(1)), "{line}");
    assert!(line.get("key").is_none(), "{line}");

    let address = fixture.front.channel(channel).webhook_url;
    for name in [channel, &channel_key(&fixture)] {
        let shown = run_ok(gateway, &["channels", "show", name]);
        let facts = [
            format!("URL for Front       {address}"),
            format!("URL for provider    {address}/provider"),
            "credential          none".to_owned(),
            "conversations       1".to_owned(),
            "front-message    1 ready".to_owned(),
        ];
        for fact in facts {
            assert!(shown.contains(&fact), "{fact}: {shown}");
        }
    }
    let json: serde_json::Value =
        serde_json::from_str(&run_ok(gateway, &["channels", "show", channel, "--json"])).expect("JSON");
    assert_eq!(json["address"], address);
    assert_eq!(json["deliveries"]["front-message"]["ready"], 1);
    let mistakes: [(&[&str], &str); 4] = [
        (&["show", "cha_nobody"], "channel `cha_nobody` not found: see `frontgate channels list --all`"),
        (&["show", channel, "--tenant", "nobody"], "unknown tenant `nobody`; known: demo"),
        (&["list", "--app", "nobody"], "unknown Front app `nobody`; known: sms"),
        (&["disconnect", channel], "with --yes"),
    ];
    for (arguments, words) in mistakes {
        let complaint = run_failing(gateway, &[&["channels"], arguments].concat());
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    assert_eq!(list_channels(gateway, &[]).len(), 1);
}

#[test]
fn a_channel_id_shared_by_several_apps_needs_an_app_option() {
    let fixture = ChannelFixture::with(|setup| {
        let app = "tenants.demo.front.chat";
        setup
            .set(&format!("{app}.app_uid"), "{ file = \"files/app-uid\" }")
            .set(&format!("{app}.app_secrets"), "[{ file = \"files/app-secret\" }]")
            .set(&format!("{app}.plugin"), "\"courier\"")
    });
    let (gateway, channel) = (&fixture.gateway, &*fixture.channel);
    run_ok(gateway, &["send", "front", "authorization", "--app", "chat", "--channel", channel]);
    let complaint = run_failing(gateway, &["channels", "show", channel]);
    for words in ["matches 2 channels", "--tenant demo --app sms", "--tenant demo --app chat"] {
        assert!(complaint.contains(words), "{words}: {complaint}");
    }
    assert!(run_ok(gateway, &["channels", "show", channel, "--app", "chat"]).contains("/front/chat/fg-"));
    let complaint = run_failing(gateway, &["send", "front", "message"]);
    assert!(complaint.contains("several apps; add --app with one of: chat, sms"), "{complaint}");
    let complaint = run_failing(gateway, &["send", "front", "message", "--app", "mail"]);
    assert!(complaint.contains("unknown Front app `mail`; tenant demo has: chat, sms"), "{complaint}");
}

#[test]
fn a_disconnected_channel_is_offline_in_front_and_removed_at_its_provider() {
    let fixture = with_early_promises();
    let (gateway, channel) = (&fixture.gateway, &*fixture.channel);
    fixture.provider.always(Some(Trouble::Status(503)));
    let sent = fixture.front.send(channel, Draft::new("planted text").to(LEE));
    let output = run_ok(gateway, &["channels", "disconnect", channel, "--yes"]);
    assert!(output.contains(&format!("{channel} removed; delivery 2 notifies its plugin and Front")), "{output}");
    fixture.provider.wait_for(|known| known.removed.iter().any(|removed| removed == channel));
    assert!(!fixture.front.channel(channel).is_online);
    // A promised message that was still queued is reported as failed.
    assert_eq!(failure_reason(&fixture.front, &sent.message), "Delivery failed: the channel was removed.");
    let answer = Provider::tell(gateway.address(), &fixture.webhook(), &json!([]));
    assert_eq!((answer.status, answer.code()), (404, "no-channel"));
    gateway.wait_for_delivery(2, "sent");
    let shown = run_ok(gateway, &["deliveries", "show", "2"]);
    assert!(shown.contains("Front shows it as offline"), "{shown}");
    let shown = run_ok(gateway, &["channels", "show", channel]);
    assert!(shown.contains("disconnect: connected to removed"), "{shown}");
    let complaint = run_failing(gateway, &["channels", "disconnect", channel, "--yes"]);
    assert!(complaint.contains("was already removed"), "{complaint}");
    // An admin reconnects the channel, which then has a new address.
    let address = fixture.front.channel(channel).webhook_url;
    fixture.front.reconnect(channel, SERVER).expect("a channel");
    assert_ne!(fixture.front.channel(channel).webhook_url, address);
    assert_eq!(list_channels(gateway, &[]).len(), 1);
}

#[test]
fn a_disconnect_is_retried_until_front_is_reachable() {
    let fixture = ChannelFixture::new();
    let channel = &*fixture.channel;
    fixture.front.fault(Fault::new(Action::FailBefore(500)).on(Call::UpdateChannel).times(3));
    run_ok(&fixture.gateway, &["channels", "disconnect", channel, "--yes"]);
    fixture.provider.wait_for(|known| known.removed.iter().any(|removed| removed == channel));
    assert!(!fixture.front.channel(channel).is_online);
    let calls = fixture.front.requests().iter().filter(|request| request.call == Call::UpdateChannel).count();
    assert_eq!(calls, 4);
}

#[test]
fn a_channel_that_was_reconnected_is_not_shown_as_offline() {
    let fixture = ChannelFixture::new();
    let channel = &*fixture.channel;
    fixture.front.fault(Fault::new(Action::FailBefore(500)).on(Call::UpdateChannel).times(1_000));
    run_ok(&fixture.gateway, &["channels", "disconnect", channel, "--yes"]);
    fixture.gateway.log().event("delivery.retry_scheduled").with("delivery", "1").wait_for(1);
    fixture.front.reconnect(channel, SERVER).expect("a channel");
    fixture.front.faults_off();
    fixture.gateway.wait_for_delivery(1, "sent");
    assert!(fixture.front.channel(channel).is_online);
    assert!(run_ok(&fixture.gateway, &["deliveries", "show", "1"]).contains("the channel was connected again"));
}

#[test]
fn a_reconnect_during_the_offline_update_keeps_the_channel_online() {
    let fixture = ChannelFixture::new();
    let channel = &*fixture.channel;
    // The first update is slow; the second one, which restores the online state, fails once.
    for action in [Action::Slow(1_000), Action::FailBefore(500)] {
        fixture.front.fault(Fault::new(action).on(Call::UpdateChannel).times(1));
    }
    run_ok(&fixture.gateway, &["channels", "disconnect", channel, "--yes"]);
    fixture.front.wait_for(|front| front.requests().iter().any(|request| request.call == Call::UpdateChannel));
    fixture.front.reconnect(channel, SERVER).expect("a channel");
    fixture.gateway.wait_for_delivery(1, "sent");
    assert!(fixture.front.channel(channel).is_online);
}

#[test]
fn a_channel_can_be_disconnected_without_a_running_gateway() {
    let mut fixture = ChannelFixture::new();
    fixture.gateway.kill();
    run_ok(&fixture.gateway, &["channels", "disconnect", &fixture.channel, "--yes"]);
    assert!(list_channels(&fixture.gateway, &[]).is_empty());
    let gateway = fixture.gateway.start_again();
    fixture.provider.wait_for(|known| known.removed.contains(&fixture.channel));
    assert!(!fixture.front.channel(&fixture.channel).is_online);
    gateway.wait_for_delivery(1, "sent");
}

#[test]
fn send_supports_every_request_of_front() {
    let (front, provider) = (Front::start(), Provider::start());
    let gateway = Setup::courier(&front, &provider).start();
    let send = |arguments: &[&str]| run_ok(&gateway, &[&["send", "front"], arguments].concat());
    let complain = |arguments: &[&str]| run_failing(&gateway, &[&["send", "front"], arguments].concat());
    let complaint = complain(&["message"]);
    assert!(complaint.contains("no connected channel of app sms; run `frontgate"), "{complaint}");
    assert!(complaint.contains("frontgate send front authorization"), "{complaint}");

    assert!(send(&["list_addresses", "--token", "planted text"]).contains("\"name\": \"planted text\""));
    let refused = complain(&["authorization", "--token", "refused"]);
    assert!(refused.contains("this token is not known") && refused.contains("400 Bad Request"), "{refused}");
    let connected = send(&["authorization"]);
    assert!(connected.contains(&format!("{SERVER}/fg-")) && connected.contains("200 OK"), "{connected}");

    assert!(send(&["message", "--set", "payload.text=planted text 1"]).contains("\"external_id\": \"P1\""));
    assert!(send(&["message"]).contains("\"external_id\": \"P2\""));
    let same = ["message", "--set", "payload.id=msg_1", "--set", "payload.text=planted text 3"];
    assert_eq!(send(&same), send(&same));
    send(&["message_autoreply", "--set", "payload.recipients.0.handle=+12125550144"]);
    let known = provider.look(|known| known.messages.clone());
    assert_eq!(known.len(), 4);
    assert_eq!((known[0].text(), &known[0].body["to"]), ("planted text 1", &json!(["+12125550143"])));
    assert_eq!((&known[3].body["autoreply"], &known[3].body["to"]), (&json!(true), &json!(["+12125550144"])));
    assert!(send(&["message_imported", "--set", "payload.is_inbound:=true"]).contains("success"));
    let unknown = complain(&["message", "--set", "type=typing"]);
    assert!(unknown.contains("unknown request type: typing"), "{unknown}");
    let refused = complain(&["message", "--set", "payload.text=refuse it is blocked"]);
    assert!(refused.contains("it is blocked") && refused.contains("400 Bad Request"), "{refused}");

    send(&["authorization", "--channel", "cha_second"]);
    let complaint = complain(&["message"]);
    assert!(complaint.contains("several channels; add --channel with one of: cha_"), "{complaint}");
    let shown = send(&["delete", "--channel", "cha_second", "--bodiless", "--verbose"]);
    assert!(shown.contains("DELETE /front/sms/fg-") && shown.contains("x-front-signature: "), "{shown}");
    assert!(send(&["delete"]).contains("success"));
    provider.wait_for(|known| known.removed.len() == 2);
    assert!(complain(&["message", "--channel", "cha_second"]).contains("no channel has this address"));
}

#[test]
fn send_front_reports_invalid_arguments() {
    let fixture = ChannelFixture::new();
    let mistakes: [(&[&str], &str); 8] = [
        (&["message", "--bodiless"], "--bodiless is for `delete` only"),
        (&["delete", "--bodiless", "--set", "a=b"], "--bodiless, which removes the body"),
        (&["list_addresses", "--channel", "cha_1"], "list_addresses has no channel"),
        (&["message", "--channel", "cha_1"], "channel `cha_1` of the tenant demo of the app sms not found"),
        (&["message", "--tenant", "nobody"], "unknown tenant `nobody`; the configuration has: demo"),
        (&["message", "--set", "payload.text"], "write PATH=TEXT or PATH:=JSON"),
        (&["message", "--set", "payload.text:=Hello"], "invalid JSON after `:=`"),
        (&["message", "--set", "payload.text.more=x"], "`payload.text` is not an object"),
    ];
    for (arguments, words) in mistakes {
        let complaint = run_failing(&fixture.gateway, &[&["send", "front"], arguments].concat());
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    let complaint = run_failing(&fixture.gateway, &["send", "front", "messages"]);
    assert!(complaint.contains("list_addresses") && complaint.contains("message_autoreply"), "{complaint}");
}

/// A request body of Front; `AT` is the timestamp signed with it.
const BODY: &str = r#"{"type":"message","payload":{"id":"msg_test1","text":"Café ☕"}}"#;
const AT: &str = "1700000000123";

#[test]
fn verify_front_names_the_signing_key_and_checks_the_time_window() {
    let setup = Setup::courier(&Front::start(), &Provider::start()).file("body", BODY);
    setup.write();
    let verify = |signature: &str, more: &[&str]| {
        let own = ["verify", "front", "--config", "config.toml", "--signature", signature, "--timestamp", AT];
        let output = run(setup.folder(), &[&own, more].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let good = signature(Front::SECRET, AT, BODY.as_bytes());
    let file = ["--body-file", "files/body"];
    let with = |more: &[&str]| verify(&good, &[&file, more].concat());
    let matches = "✓ the signature matches: app_secrets[0] signed the body";
    for more in [&["--any-age"][..], &["--at", "2023-11-14T22:14:00Z"], &["--at", "1700000100"]] {
        let (code, shown) = with(more);
        assert!(code == Some(0) && shown.contains(matches), "{more:?}: {shown}");
        assert!(shown.contains("tenant demo, app sms") && !shown.contains(Front::SECRET), "{shown}");
    }
    for more in [&[][..], &["--at", "2023-11-14T22:19:00Z"], &["--at", "2023-11-14T22:00:00Z"]] {
        let (code, shown) = with(more);
        assert!(code == Some(1) && shown.contains(matches), "{more:?}: {shown}");
        assert!(shown.contains("✗ outside the window of 300 s") && shown.contains("--any-age"), "{shown}");
    }
    let (code, shown) = with(&["--at", "yesterday"]);
    assert!(code == Some(2) && shown.contains("write 2026-11-21T16:19:20Z"), "{shown}");

    let undefined = signature(Front::SECRET, AT, UNDEFINED.as_bytes());
    let (code, shown) = verify(&undefined, &["--method", "delete", "--any-age"]);
    assert!(code == Some(0) && shown.contains("signed `undefined`"), "{shown}");
    let (code, shown) = verify(&undefined, &["--any-age"]);
    assert!(code == Some(1) && shown.contains("it would match if the request were a DELETE"), "{shown}");
    let (code, shown) = verify(&good, &["--body", &format!("{BODY}\n"), "--any-age"]);
    assert!(code == Some(1) && shown.contains("it would match if the body had no white space around it"), "{shown}");
    let other = signature("another", AT, BODY.as_bytes());
    let (code, shown) = verify(&other, &file);
    assert!(code == Some(1) && shown.contains("is this the secret of the app that sends?"), "{shown}");
    let (code, shown) = verify("short", &file);
    assert!(code == Some(1) && shown.contains("x-front-signature has 5 characters"), "{shown}");
}

#[test]
fn verify_front_reads_standard_input_and_tries_other_apps() {
    let setup = Setup::courier(&Front::start(), &Provider::start())
        .file("chat-secret", "another")
        .file("body", BODY)
        .set("tenants.demo.front.chat.app_uid", "{ file = \"files/app-uid\" }")
        .set("tenants.demo.front.chat.app_secrets", "[{ file = \"files/chat-secret\" }]")
        .set("tenants.demo.front.chat.plugin", "\"courier\"");
    setup.write();
    let script = |app: &str, signature: &str| {
        let program = frontgate_tests::program();
        let script = format!(
            "{} verify front --config config.toml --app {app} --signature '{signature}' --timestamp {AT} --any-age \
             --body-file - < files/body 2>&1",
            program.display()
        );
        let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(setup.folder()).output();
        String::from_utf8_lossy(&output.expect("a shell").stdout).into_owned()
    };
    let other = signature("another", AT, BODY.as_bytes());
    assert!(script("chat", &other).contains("✓ the signature matches"));
    let text = script("sms", &other);
    assert!(text.contains("it would match with the keys of `demo/chat`"), "{text}");
    // An app with a missing secret is skipped. Front's check ignores the keys for Twilio, and vice versa.
    std::fs::remove_file(setup.folder().join("files/chat-secret")).expect("the file");
    std::fs::remove_file(setup.folder().join("token")).expect("the file");
    assert!(script("sms", &other).contains("no single change would match"));
    let text = script("chat", &other);
    assert!(
        text.contains("tenants.demo.front.chat.app_secrets: the file `files/chat-secret` cannot be read"),
        "{text}"
    );
    std::fs::write(setup.folder().join("token"), TOKEN).expect("a file");
    let twilio = ["verify", "--config", "config.toml", "/callbacks/crm", "--signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="];
    let output = run(setup.folder(), &twilio);
    assert!(String::from_utf8_lossy(&output.stdout).contains("auth_tokens[0]"), "{output:?}");
}
