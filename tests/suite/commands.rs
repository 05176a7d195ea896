//! Tests commands other than `run`: `send`, `verify`, `check --online`.

use std::process::Output;

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, run, sign};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn send(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.command(&[&["send", "twilio"], arguments].concat());
    let shown = text(&output);
    assert!(output.status.success(), "{arguments:?}: {shown}");
    shown
}

#[test]
fn send_twilio_supports_every_callback() {
    let twilio = Twilio::start();
    let gateway =
        Setup::every_role(&twilio).set("tenants.demo.twilio.default_worker", "\"default@example.org\"").start();
    assert!(send(&gateway, &["crm"]).contains("searchable"));
    assert!(send(&gateway, &["templates"]).contains("display_name"));
    let proxy = send(&gateway, &["outgoing-conversation", "--set", "CustomerId=+12025550199"]);
    assert!(proxy.contains("\"proxy_address\": \"+12025550199\""), "{proxy}");
    assert!(send(&gateway, &["routing"]).contains("{}"));
    assert!(send(&gateway, &["conversations", "--set", "MessageBody=Hello"]).contains("friendly_name"));
    for event in ["onParticipantAdded", "onMessageAdd", "onMessageAdded", "onDeliveryUpdated", "onUserAdded"] {
        assert!(send(&gateway, &["conversations", "--set", &format!("EventType={event}")]).contains("200 OK"));
    }
    let events: Vec<_> = gateway.deliveries().iter().map(|delivery| delivery["event"].clone()).collect();
    assert_eq!(events, ["routing", "onParticipantAdded", "onMessageAdded", "onDeliveryUpdated", "onUserAdded"]);
    let again = ["routing", "--token", "t-1", "--set", "ConversationSid=CH7"];
    send(&gateway, &again);
    send(&gateway, &again);
    assert_eq!(gateway.deliveries().len(), 6);
}

#[test]
fn verify_twilio_names_the_signing_key_and_url() {
    let setup = Setup::misbehaving();
    setup.write();
    let form = [("Worker", "ana@example.org"), ("PageSize", "30")];
    let verify = |signature: &str, more: &[&str]| {
        let own = [
            "verify",
            "--config",
            "config.toml",
            "--signature",
            signature,
            "--body",
            "Worker=ana%40example.org&PageSize=30",
        ];
        let output = run(setup.folder(), &[&own, more].concat());
        (output.status.code(), text(&output))
    };
    let good = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &form);
    for target in ["/callbacks/crm", "https://gw.example.org/callbacks/crm"] {
        let (code, shown) = verify(&good, &[target]);
        assert_eq!(code, Some(0), "{shown}");
        for words in ["auth_tokens[0] signed for https://gw.example.org/callbacks/crm", "gw.example.org:443", "✓"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!shown.contains(TOKEN));
    }
    let plain = sign(TOKEN, "http://gw.example.org/callbacks/crm", &form);
    let (code, shown) = verify(&plain, &["/callbacks/crm"]);
    assert!(code == Some(1) && shown.contains("it would match if public_url were http://gw.example.org"), "{shown}");
    let other = sign("another", "https://gw.example.org/callbacks/crm", &form);
    let (_, shown) = verify(&other, &["/callbacks/crm"]);
    assert!(shown.contains("is this the auth token of the account that sends?"), "{shown}");
}

#[test]
fn check_online_verifies_credentials_and_webhooks_at_twilio() {
    let twilio = Twilio::start();
    let checked = |setup: Setup| {
        setup.write();
        let output = run(setup.folder(), &["check", "--online", "--config", "config.toml"]);
        (output.status.code(), text(&output))
    };
    let (code, shown) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(1) && shown.contains("the pre-event webhook is not set"), "{shown}");
    let gateway = Setup::misbehaving().start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    let (code, shown) = checked(Setup::misbehaving().twilio(&twilio));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("accepts the credentials") && shown.contains("onParticipantAdded is sent to"), "{shown}");
    assert!(shown.contains("https://gw.example.org/callbacks/routing"), "{shown}");
    twilio.filters(&["onConversationAdd"]);
    let (code, shown) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(1) && shown.contains("onParticipantAdded is not enabled"), "{shown}");
    let (code, shown) = checked(Setup::misbehaving().twilio(&twilio).set("tenants.demo.path", "\"/acme\""));
    assert!(
        code == Some(1) && shown.contains("set it to https://gw.example.org/acme/callbacks/conversations"),
        "{shown}"
    );
    let wrong = Setup::misbehaving().twilio(&twilio).set("tenants.demo.twilio.api_secret", "{ file = \"token\" }");
    let (code, shown) = checked(wrong);
    assert!(code == Some(1) && shown.contains("the credentials are not accepted"), "{shown}");
    twilio.go_down();
    let (code, shown) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(2) && shown.contains("request not sent") && shown.contains("retry"), "{shown}");
}

#[test]
fn a_closed_output_pipe_is_no_error() {
    let setup = Setup::misbehaving();
    setup.write();
    let script = format!("{} check --config config.toml | head -1", frontgate_tests::program().display());
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(setup.folder()).output();
    let output = output.expect("a shell");
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
}
