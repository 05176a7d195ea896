//! Finding 27: a message is accepted if no decision about it is possible.

use frontgate_tests::{Setup, Twilio};

use crate::conversations::{CH, webhook};

#[test]
fn a_fail_closed_tenant_rejects_undecided_messages() {
    let twilio = Twilio::start();
    let setup = Setup::every_role(&twilio).set("tenants.demo.twilio.webhook_timeout_ms", "300");
    let gateway = setup.set("tenants.demo.twilio.webhooks_fail", "\"closed\"").start();
    let message = |body: &str| webhook(&gateway, "onMessageAdd", &[CH, ("Author", "x"), ("Body", body)]);
    assert_eq!(message("hello").text, "{}");
    for instruction in ["failed", "panic", "loop", "sleep 60000"] {
        let answer = message(instruction);
        assert!(answer.status >= 500, "{instruction}: {}", answer.text);
    }
    assert_eq!(webhook(&gateway, "onMessageAdded", &[CH, ("MessageSid", "IM1")]).status, 200);
}

#[test]
fn a_fail_closed_tenant_without_a_deciding_plugin_fails_open() {
    let gateway = Setup::misbehaving().set("tenants.demo.twilio.webhooks_fail", "\"closed\"").start();
    assert_eq!(webhook(&gateway, "onMessageAdd", &[CH, ("Author", "x"), ("Body", "hello")]).text, "{}");
}
