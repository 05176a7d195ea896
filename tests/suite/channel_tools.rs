//! What operators see of Front's channels, and do about them; requests of Front that they send and verify.

use frontgate_tests::front::{Action, Call, Connect, Draft, Farewell, Fault, MessageState, UNDEFINED, signature};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Front, Gateway, Provider, Setup, TOKEN, run};
use serde_json::json;

use crate::channels::{LEE, SERVER, Wired};

/// What a command said, on both of its outputs; it must have succeeded.
#[track_caller]
pub(crate) fn said(gateway: &Gateway, arguments: &[&str]) -> String {
    let (fine, said) = tried(gateway, arguments);
    assert!(fine, "{arguments:?}: {said}");
    said
}

/// The same of one that must have failed.
#[track_caller]
pub(crate) fn complained(gateway: &Gateway, arguments: &[&str]) -> String {
    let (fine, said) = tried(gateway, arguments);
    assert!(!fine, "{arguments:?}: {said}");
    said
}

fn tried(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let output = gateway.command(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// A gateway that promises soon, and tries again late.
pub(crate) fn hesitant() -> Wired {
    Wired::with(|setup| {
        setup
            .set("tenants.demo.front.sms.timeout_ms", "400")
            .set("delivery.retry_first_ms", "60000")
            .set("delivery.retry_longest_ms", "60000")
    })
}

/// Waits until a message has failed in Front, and gives the reason.
pub(crate) fn failed(front: &Front, message: &str) -> String {
    let why = |state: &frontgate_tests::front::State| match &state.message(message).expect("it is there").state {
        MessageState::Failed(Some(why)) => Some(why.clone()),
        _ => None,
    };
    front.wait_for(|state| why(state).is_some());
    front.look(why).expect("it has failed")
}

/// What `channels list` knows.
fn listed(gateway: &Gateway, more: &[&str]) -> Vec<serde_json::Value> {
    let json = said(gateway, &[&["channels", "list", "--json"], more].concat());
    serde_json::from_str(&json).expect("a list")
}

/// The key in a channel's address.
fn key(wired: &Wired) -> String {
    let url = wired.front.channel(&wired.channel).webhook_url;
    url.rsplit('/').next().expect("a key").to_owned()
}

#[test]
fn channels_are_listed_without_what_anybody_could_use_and_shown_with_it() {
    let wired = hesitant();
    let (gateway, channel) = (&wired.gateway, &*wired.channel);
    let removed = wired.front.connect(Connect::to(SERVER).token("planted text")).expect("a channel");
    let shown = said(gateway, &["channels", "show", &removed]);
    assert!(shown.contains("credential     kept") && !shown.contains("planted text"), "{shown}");
    wired.front.disconnect(&removed, Farewell::Signed);
    wired.provider.always(Some(Trouble::Status(503)));
    wired.front.send(channel, Draft::new("planted text").to(LEE));
    let list = said(gateway, &["channels", "list"]);
    assert!(list.contains("demo") && list.contains(channel) && list.contains("connected"), "{list}");
    assert!(!list.contains("fg-") && !list.contains(&removed), "{list}");
    assert!(said(gateway, &["channels", "list", "--all"]).contains(&removed));
    let [line] = &listed(gateway, &["--tenant", "demo", "--app", "sms"])[..] else { panic!("one channel") };
    assert_eq!((line["channel"].as_str(), line["to_provider"].as_u64()), (Some(channel), Some(1)), "{line}");
    assert!(line.get("key").is_none(), "{line}");

    let address = wired.front.channel(channel).webhook_url;
    for name in [channel, &key(&wired)] {
        let shown = said(gateway, &["channels", "show", name]);
        let facts = [
            format!("Front calls    {address}"),
            format!("provider calls {address}/provider"),
            "credential     none".to_owned(),
            "conversations  1".to_owned(),
            "front-message    1 ready".to_owned(),
        ];
        for fact in facts {
            assert!(shown.contains(&fact), "{fact}: {shown}");
        }
    }
    let json: serde_json::Value =
        serde_json::from_str(&said(gateway, &["channels", "show", channel, "--json"])).expect("JSON");
    assert_eq!(json["address"], address);
    assert_eq!(json["deliveries"]["front-message"]["ready"], 1);
    let mistakes: [(&[&str], &str); 4] = [
        (&["show", "cha_nobody"], "channel `cha_nobody` not found: see `frontgate channels list --all`"),
        (&["show", channel, "--tenant", "nobody"], "there is no tenant `nobody`; there are: demo"),
        (&["list", "--app", "nobody"], "there is no Front app `nobody`; there are: sms"),
        (&["disconnect", channel], "add --yes"),
    ];
    for (arguments, words) in mistakes {
        let complaint = complained(gateway, &[&["channels"], arguments].concat());
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    assert_eq!(listed(gateway, &[]).len(), 1);
}

#[test]
fn a_channel_that_several_apps_have_is_named_with_its_app() {
    let wired = Wired::with(|setup| {
        let app = "tenants.demo.front.chat";
        setup
            .set(&format!("{app}.app_uid"), "{ file = \"files/app-uid\" }")
            .set(&format!("{app}.app_secrets"), "[{ file = \"files/app-secret\" }]")
            .set(&format!("{app}.plugin"), "\"courier\"")
    });
    let (gateway, channel) = (&wired.gateway, &*wired.channel);
    said(gateway, &["send", "front", "authorization", "--app", "chat", "--channel", channel]);
    let complaint = complained(gateway, &["channels", "show", channel]);
    for words in ["is 2 channels", "--tenant demo --app sms", "--tenant demo --app chat"] {
        assert!(complaint.contains(words), "{words}: {complaint}");
    }
    assert!(said(gateway, &["channels", "show", channel, "--app", "chat"]).contains("/front/chat/fg-"));
    let complaint = complained(gateway, &["send", "front", "message"]);
    assert!(complaint.contains("which app? add --app with one of: chat, sms"), "{complaint}");
    let complaint = complained(gateway, &["send", "front", "message", "--app", "mail"]);
    assert!(complaint.contains("the tenant demo has no Front app `mail`; there are: chat, sms"), "{complaint}");
}

#[test]
fn a_channel_that_an_operator_takes_out_is_offline_in_front_and_gone_at_its_provider() {
    let wired = hesitant();
    let (gateway, channel) = (&wired.gateway, &*wired.channel);
    wired.provider.always(Some(Trouble::Status(503)));
    let sent = wired.front.send(channel, Draft::new("planted text").to(LEE));
    let told = said(gateway, &["channels", "disconnect", channel, "--yes"]);
    assert!(told.contains(&format!("{channel} is removed; delivery 2 tells its plugin and Front")), "{told}");
    wired.provider.wait_for(|known| known.removed.iter().any(|removed| removed == channel));
    assert!(!wired.front.channel(channel).is_online);
    // What was promised, and waited, is reported.
    assert_eq!(failed(&wired.front, &sent.message), "Delivery failed: the channel was removed.");
    let answer = Provider::tell(gateway.address(), &wired.webhook(), &json!([]));
    assert_eq!((answer.status, answer.code()), (404, "no-channel"));
    gateway.wait_for_delivery(2, "sent");
    let shown = said(gateway, &["deliveries", "show", "2"]);
    assert!(shown.contains("Front shows it as offline") && shown.contains("connected to removed"), "{shown}");
    let shown = said(gateway, &["channels", "show", channel]);
    assert!(shown.contains("removed") && shown.contains(&format!("disconnect {channel}")), "{shown}");
    let complaint = complained(gateway, &["channels", "disconnect", channel, "--yes"]);
    assert!(complaint.contains("is already removed"), "{complaint}");
    // An admin connects it again, at another address.
    let address = wired.front.channel(channel).webhook_url;
    wired.front.reconnect(channel, SERVER).expect("a channel");
    assert_ne!(wired.front.channel(channel).webhook_url, address);
    assert_eq!(listed(gateway, &[]).len(), 1);
}

#[test]
fn front_that_cannot_be_reached_hears_of_it_later_and_only_then_the_provider() {
    let wired = Wired::new();
    let channel = &*wired.channel;
    wired.front.fault(Fault::new(Action::FailBefore(500)).on(Call::UpdateChannel).times(3));
    said(&wired.gateway, &["channels", "disconnect", channel, "--yes"]);
    wired.provider.wait_for(|known| known.removed.iter().any(|removed| removed == channel));
    assert!(!wired.front.channel(channel).is_online);
    let calls = wired.front.requests().iter().filter(|request| request.call == Call::UpdateChannel).count();
    assert_eq!(calls, 4);
}

#[test]
fn a_channel_that_is_connected_again_meanwhile_is_not_shown_as_offline() {
    let wired = Wired::new();
    let channel = &*wired.channel;
    wired.front.fault(Fault::new(Action::FailBefore(500)).on(Call::UpdateChannel).times(1_000));
    said(&wired.gateway, &["channels", "disconnect", channel, "--yes"]);
    wired.gateway.log().wait_for("delivery 1 of front-disconnect is ready");
    wired.front.reconnect(channel, SERVER).expect("a channel");
    wired.front.faults_off();
    wired.gateway.wait_for_delivery(1, "sent");
    assert!(wired.front.channel(channel).is_online);
    assert!(said(&wired.gateway, &["deliveries", "show", "1"]).contains("the channel was connected again"));
}

#[test]
fn a_channel_that_is_connected_while_front_is_told_is_not_shown_as_offline_either() {
    let wired = Wired::new();
    let channel = &*wired.channel;
    // It is taken back at the second try.
    for action in [Action::Slow(1_000), Action::FailBefore(500)] {
        wired.front.fault(Fault::new(action).on(Call::UpdateChannel).times(1));
    }
    said(&wired.gateway, &["channels", "disconnect", channel, "--yes"]);
    wired.front.wait_for(|front| front.requests().iter().any(|request| request.call == Call::UpdateChannel));
    wired.front.reconnect(channel, SERVER).expect("a channel");
    wired.gateway.wait_for_delivery(1, "sent");
    assert!(wired.front.channel(channel).is_online);
}

#[test]
fn a_channel_is_taken_out_without_a_running_gateway() {
    let mut wired = Wired::new();
    wired.gateway.kill();
    said(&wired.gateway, &["channels", "disconnect", &wired.channel, "--yes"]);
    assert!(listed(&wired.gateway, &[]).is_empty());
    let gateway = wired.gateway.start_again();
    wired.provider.wait_for(|known| known.removed.contains(&wired.channel));
    assert!(!wired.front.channel(&wired.channel).is_online);
    gateway.wait_for_delivery(1, "sent");
}

#[test]
fn send_knows_every_request_of_front() {
    let (front, provider) = (Front::start(), Provider::start());
    let gateway = Setup::courier(&front, &provider).start();
    let send = |arguments: &[&str]| said(&gateway, &[&["send", "front"], arguments].concat());
    let complain = |arguments: &[&str]| complained(&gateway, &[&["send", "front"], arguments].concat());
    let complaint = complain(&["message"]);
    assert!(complaint.contains("no channel of the app sms is connected; connect one first"), "{complaint}");
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
    assert!(unknown.contains("requests of the type typing are not known"), "{unknown}");
    let refused = complain(&["message", "--set", "payload.text=refuse it is blocked"]);
    assert!(refused.contains("it is blocked") && refused.contains("400 Bad Request"), "{refused}");

    send(&["authorization", "--channel", "cha_second"]);
    let complaint = complain(&["message"]);
    assert!(complaint.contains("which channel? add --channel with one of: cha_"), "{complaint}");
    let shown = send(&["delete", "--channel", "cha_second", "--bodiless", "--verbose"]);
    assert!(shown.contains("DELETE /front/sms/fg-") && shown.contains("x-front-signature: "), "{shown}");
    assert!(send(&["delete"]).contains("success"));
    provider.wait_for(|known| known.removed.len() == 2);
    assert!(complain(&["message", "--channel", "cha_second"]).contains("no channel has this address"));
}

#[test]
fn send_says_what_is_wrong_with_what_it_was_told() {
    let wired = Wired::new();
    let mistakes: [(&[&str], &str); 8] = [
        (&["message", "--bodiless"], "--bodiless goes with `delete` only"),
        (&["delete", "--bodiless", "--set", "a=b"], "--bodiless leaves the body out"),
        (&["list_addresses", "--channel", "cha_1"], "list_addresses is about no channel"),
        (&["message", "--channel", "cha_1"], "channel `cha_1` of the tenant demo of the app sms not found"),
        (&["message", "--tenant", "nobody"], "there is no tenant `nobody`; there are: demo"),
        (&["message", "--set", "payload.text"], "write PATH=TEXT or PATH:=JSON"),
        (&["message", "--set", "payload.text:=Hello"], "stands no JSON"),
        (&["message", "--set", "payload.text.more=x"], "`payload.text` is no object"),
    ];
    for (arguments, words) in mistakes {
        let complaint = complained(&wired.gateway, &[&["send", "front"], arguments].concat());
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    let complaint = complained(&wired.gateway, &["send", "front", "messages"]);
    assert!(complaint.contains("list_addresses") && complaint.contains("message_autoreply"), "{complaint}");
}

/// A body, and what Front signs for it at a time.
const BODY: &str = r#"{"type":"message","payload":{"id":"msg_test1","text":"Café ☕"}}"#;
const AT: &str = "1700000000123";

#[test]
fn verify_says_which_key_signed_a_request_of_front_and_whether_it_came_in_time() {
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
        let (code, said) = with(more);
        assert!(code == Some(0) && said.contains(matches), "{more:?}: {said}");
        assert!(said.contains("tenant demo, app sms") && !said.contains(Front::SECRET), "{said}");
    }
    for more in [&[][..], &["--at", "2023-11-14T22:19:00Z"], &["--at", "2023-11-14T22:00:00Z"]] {
        let (code, said) = with(more);
        assert!(code == Some(1) && said.contains(matches), "{more:?}: {said}");
        assert!(said.contains("✗ it is not within the window of 300 s") && said.contains("--any-age"), "{said}");
    }
    let (code, said) = with(&["--at", "yesterday"]);
    assert!(code == Some(2) && said.contains("write 2026-11-21T16:19:20Z"), "{said}");

    let undefined = signature(Front::SECRET, AT, UNDEFINED.as_bytes());
    let (code, said) = verify(&undefined, &["--method", "delete", "--any-age"]);
    assert!(code == Some(0) && said.contains("signed `undefined`"), "{said}");
    let (code, said) = verify(&undefined, &["--any-age"]);
    assert!(code == Some(1) && said.contains("it would match if it were a DELETE"), "{said}");
    let (code, said) = verify(&good, &["--body", &format!("{BODY}\n"), "--any-age"]);
    assert!(code == Some(1) && said.contains("it would match if the body had no white space around it"), "{said}");
    let other = signature("another", AT, BODY.as_bytes());
    let (code, said) = verify(&other, &file);
    assert!(code == Some(1) && said.contains("is this the secret of the app that sends?"), "{said}");
    let (code, said) = verify("short", &file);
    assert!(code == Some(1) && said.contains("x-front-signature has 5 letters"), "{said}");
}

#[test]
fn verify_reads_standard_input_and_knows_the_other_apps() {
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
    let said = script("sms", &other);
    assert!(said.contains("it would match with the keys of `demo/chat`"), "{said}");
    // One whose secret is missing is left out; Twilio's keys do not matter, nor do Front's for Twilio.
    std::fs::remove_file(setup.folder().join("files/chat-secret")).expect("the file");
    std::fs::remove_file(setup.folder().join("token")).expect("the file");
    assert!(script("sms", &other).contains("no single change would match"));
    let said = script("chat", &other);
    assert!(
        said.contains("tenants.demo.front.chat.app_secrets: the file `files/chat-secret` cannot be read"),
        "{said}"
    );
    std::fs::write(setup.folder().join("token"), TOKEN).expect("a file");
    let twilio = ["verify", "--config", "config.toml", "/callbacks/crm", "--signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="];
    let output = run(setup.folder(), &twilio);
    assert!(String::from_utf8_lossy(&output.stdout).contains("auth_tokens[0]"), "{output:?}");
}
