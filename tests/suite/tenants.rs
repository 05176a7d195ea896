//! Tests the isolation of two tenants in one gateway.

use frontgate_tests::{
    Action, Answer, Call, Fault, Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, component, eventually, list, post, sign,
};

/// The auth token of the second tenant.
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn setup(acme: &Twilio, bolt: &Twilio) -> Setup {
    let bolt_key = format!("{:?}", bolt.url());
    let mut setup = Setup::every_role(acme)
        .file("other-token", OTHER)
        .file("other-secret", "other-secret")
        .plugin("bolt", &component("misbehaving"))
        .set("tenants.demo.path", "\"/acme\"")
        .set("plugins.named.plugin.config.route", "\"worker ana@acme.example\"")
        .set("plugins.named.plugin.config.who", "\"acme\"")
        .set("plugins.named.bolt.config.route", "\"worker bob@bolt.example\"")
        .set("plugins.named.bolt.config.who", "\"bolt\"")
        .set("tenants.bolt.path", "\"/bolt\"")
        .set("tenants.bolt.twilio.auth_tokens", "[{ file = \"files/other-token\" }]")
        .set("tenants.bolt.twilio.api_key", "{ file = \"files/api-key\" }")
        .set("tenants.bolt.twilio.api_secret", "{ file = \"files/other-secret\" }")
        .set("tenants.bolt.twilio.conversations_url", bolt_key);
    for role in ["crm", "templates", "outgoing", "routing", "conversations"] {
        setup = setup.set(&format!("tenants.bolt.roles.{role}"), "[\"bolt\"]");
    }
    setup
}

fn bolt_twilio() -> Twilio {
    Twilio::builder().api_key(Twilio::API_KEY_SID, "other-secret").start()
}

fn call(gateway: &Gateway, path: &str, token: &str, signed_path: &str, form: &[(&str, &str)]) -> Answer {
    let signature = sign(token, &format!("{PUBLIC_URL}{signed_path}"), form);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    post(gateway.address(), path, &[kind, ("x-twilio-signature", &signature)], body.as_bytes())
}

#[test]
fn each_tenants_requests_are_answered_by_its_own_plugins() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt).start();
    let form = list(&[("Query", "setting who")]);
    for (path, token, who) in [("/acme/callbacks/crm", TOKEN, "acme"), ("/bolt/callbacks/crm", OTHER, "bolt")] {
        let answer = call(&gateway, path, token, path, &form);
        assert_eq!(answer.json["objects"]["customers"][0]["display_name"], who, "{}", answer.text);
    }
}

#[test]
fn a_request_of_one_tenant_is_rejected_at_another() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt).start();
    let event = [("EventType", "onMessageAdd"), ("ConversationSid", "CH1"), ("Body", "reject")];
    let routing = [("ConversationSid", "CH1"), ("MessagingBinding.Address", "+12025550107")];
    let list = list(&[]);
    for (callback, form) in [
        ("crm", &list[..]),
        ("templates", &list[..]),
        ("outgoing-conversation", &list[..]),
        ("routing", &routing[..]),
        ("conversations", &event[..]),
        ("twilio-conversations", &event[..]),
    ] {
        let (ours, theirs) = (format!("/acme/callbacks/{callback}"), format!("/bolt/callbacks/{callback}"));
        for (path, token, signed) in [
            // Tests the other tenant's key, the other tenant's URL, and both.
            (&ours, OTHER, &ours),
            (&theirs, TOKEN, &ours),
            (&theirs, TOKEN, &theirs),
            (&ours, OTHER, &theirs),
        ] {
            let answer = call(&gateway, path, token, signed, form);
            assert_eq!((answer.status, answer.code()), (403, "signature-mismatch"), "{path} {callback}");
        }
        assert_eq!(call(&gateway, &format!("/callbacks/{callback}"), TOKEN, &ours, form).status, 404);
    }
    assert!(gateway.deliveries().is_empty());
}

#[test]
fn each_tenants_deliveries_go_to_its_own_account() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt).start();
    acme.point_at(gateway.address(), PUBLIC_URL, "/acme", TOKEN);
    bolt.point_at(gateway.address(), PUBLIC_URL, "/bolt", OTHER);
    let at_acme = acme.inbound_sms("+12025550107", "+12025550199", "planted text").expect("a conversation");
    let at_bolt = bolt.inbound_sms("+12025550107", "+12025550199", "planted text").expect("a conversation");
    acme.wait_for(|state| state.conversation(&at_acme).is_some_and(|found| found.workers() == ["ana@acme.example"]));
    bolt.wait_for(|state| state.conversation(&at_bolt).is_some_and(|found| found.workers() == ["bob@bolt.example"]));
    assert!(acme.requests().iter().all(|request| request.conversation.as_ref() != Some(&at_bolt)));
    assert!(bolt.requests().iter().all(|request| request.conversation.as_ref() != Some(&at_acme)));
    let refused = |twilio: &Twilio| twilio.requests().iter().filter(|request| request.status == Some(401)).count();
    assert_eq!((refused(&acme), refused(&bolt)), (0, 0));
    // An event with the same SIDs at another tenant is a different event.
    let of = |tenant: &str| gateway.deliveries().iter().filter(|delivery| delivery["tenant"] == tenant).count();
    assert!(of("demo") > 0 && of("bolt") > 0);
}

#[test]
fn the_same_event_at_two_tenants_is_two_events() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt).start();
    let form = [("ConversationSid", "CH7"), ("MessagingBinding.Address", "+12025550107")];
    for (path, token) in [("/acme/callbacks/routing", TOKEN), ("/bolt/callbacks/routing", OTHER)] {
        assert_eq!(call(&gateway, path, token, path, &form).status, 200);
    }
    assert_eq!(gateway.deliveries().len(), 2);
}

#[test]
fn a_tenant_at_its_call_limit_leaves_capacity_for_others() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt)
        .set("plugins.calls_max", "4")
        .set("plugins.calls_per_tenant_max", "2")
        .set("plugins.queue_timeout_ms", "100")
        .start();
    let hog = list(&[("Query", "sleep 3000")]);
    std::thread::scope(|scope| {
        let path = "/acme/callbacks/crm";
        let hogs: Vec<_> = (0..2).map(|_| scope.spawn(|| call(&gateway, path, TOKEN, path, &hog))).collect();
        // A rejected third call shows that the slots are in use.
        let status = || call(&gateway, path, TOKEN, path, &list(&[])).status;
        eventually("the tenant's slots are taken", status, |status| *status == 503);
        let path = "/bolt/callbacks/crm";
        assert_eq!(call(&gateway, path, OTHER, path, &list(&[])).status, 200);
        for hog in hogs {
            assert_eq!(hog.join().expect("no panic").status, 200);
        }
    });
}

#[test]
fn a_throttled_account_delays_no_other_tenant() {
    let (acme, bolt) = (Twilio::start(), bolt_twilio());
    let gateway = setup(&acme, &bolt).start();
    acme.point_at(gateway.address(), PUBLIC_URL, "/acme", TOKEN);
    bolt.point_at(gateway.address(), PUBLIC_URL, "/bolt", OTHER);
    acme.fault(Fault::new(Action::TooManyRequestsFor(3_600)).on(Call::Any).times(1_000));
    acme.inbound_sms("+12025550107", "+12025550199", "planted text").expect("a conversation");
    gateway.log().wait_for("429");
    let sid = bolt.inbound_sms("+12025550107", "+12025550199", "planted text").expect("a conversation");
    bolt.wait_for(|state| state.conversation(&sid).is_some_and(|found| found.workers() == ["bob@bolt.example"]));
}
