//! The commands beside `run`: `send`, `verify`, `check --online`.

use std::process::Output;

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, run, sign};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn send(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.command(&[&["send", "twilio"], arguments].concat());
    let said = text(&output);
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn send_knows_every_callback() {
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
fn verify_says_which_key_signed_for_which_url() {
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
        let (code, said) = verify(&good, &[target]);
        assert_eq!(code, Some(0), "{said}");
        for words in ["auth_tokens[0] signed for https://gw.example.org/callbacks/crm", "gw.example.org:443", "✓"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains(TOKEN));
    }
    let plain = sign(TOKEN, "http://gw.example.org/callbacks/crm", &form);
    let (code, said) = verify(&plain, &["/callbacks/crm"]);
    assert!(code == Some(1) && said.contains("it would match if public_url were http://gw.example.org"), "{said}");
    let other = sign("another", "https://gw.example.org/callbacks/crm", &form);
    let (_, said) = verify(&other, &["/callbacks/crm"]);
    assert!(said.contains("is this the auth token of the account that sends?"), "{said}");
}

#[test]
fn check_online_asks_twilio_about_credentials_and_webhooks() {
    let twilio = Twilio::start();
    let checked = |setup: Setup| {
        setup.write();
        let output = run(setup.folder(), &["check", "--online", "--config", "config.toml"]);
        (output.status.code(), text(&output))
    };
    let (code, said) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(1) && said.contains("the pre-event webhook points nowhere"), "{said}");
    let gateway = Setup::misbehaving().start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    let (code, said) = checked(Setup::misbehaving().twilio(&twilio));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("takes the credentials") && said.contains("onParticipantAdded comes to"), "{said}");
    assert!(said.contains("https://gw.example.org/callbacks/routing"), "{said}");
    twilio.filters(&["onConversationAdd"]);
    let (code, said) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(1) && said.contains("onParticipantAdded is not ticked"), "{said}");
    let (code, said) = checked(Setup::misbehaving().twilio(&twilio).set("tenants.demo.path", "\"/acme\""));
    assert!(
        code == Some(1) && said.contains("set it to https://gw.example.org/acme/callbacks/conversations"),
        "{said}"
    );
    let wrong = Setup::misbehaving().twilio(&twilio).set("tenants.demo.twilio.api_secret", "{ file = \"token\" }");
    let (code, said) = checked(wrong);
    assert!(code == Some(1) && said.contains("the credentials are not accepted"), "{said}");
    twilio.go_down();
    let (code, said) = checked(Setup::misbehaving().twilio(&twilio));
    assert!(code == Some(2) && said.contains("nothing was sent") && said.contains("try again"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let setup = Setup::misbehaving();
    setup.write();
    let script = format!("{} check --config config.toml | head -1", frontgate_tests::program().display());
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(setup.folder()).output();
    let output = output.expect("a shell");
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
}
