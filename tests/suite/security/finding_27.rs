//! Finding 27: what cannot be decided is let through.

use frontgate_tests::{Setup, Twilio};

use crate::conversations::{CH, webhook};

#[test]
fn a_tenant_that_fails_closed_rejects_what_its_plugin_could_not_decide() {
    let twilio = Twilio::start();
    let setup = Setup::every_role(&twilio).set("tenants.demo.twilio.webhook_timeout_ms", "300");
    let gateway = setup.set("tenants.demo.twilio.webhooks_fail", "\"closed\"").start();
    let message = |body: &str| webhook(&gateway, "onMessageAdd", &[CH, ("Author", "x"), ("Body", body)]);
    assert_eq!(message("hello").text, "{}");
    for wish in ["failed", "panic", "loop", "sleep 60000"] {
        let answer = message(wish);
        assert!(answer.status >= 500, "{wish}: {}", answer.text);
    }
    assert_eq!(webhook(&gateway, "onMessageAdded", &[CH, ("MessageSid", "IM1")]).status, 200);
}

#[test]
fn a_tenant_without_a_plugin_that_decides_fails_open() {
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.webhooks_fail", "\"closed\"").start();
    assert_eq!(webhook(&gateway, "onMessageAdd", &[CH, ("Author", "x"), ("Body", "hello")]).text, "{}");
}
