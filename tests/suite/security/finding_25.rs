//! Finding 25: `twilio-channel` holds the auth token.

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, post, run, sign};
use url::form_urlencoded;

use crate::channel_twilio::Team;
use crate::channels::LEE;

const FORM: &str = "application/x-www-form-urlencoded";
/// HMAC-SHA1 and HMAC-SHA256 of `hello` with the key `planted-key`.
const SHA1: &str = "e11949aaa9a104b407d3e428ed5a0c4aa6e2a663";
const SHA1_BASE64: &str = "4RlJqqmhBLQH0+Qo7VoMSqbipmM=";
const SHA256: &str = "0ca6356f069ca47fe1ee5b7e89d550ba87c337edb08f0b1632311d3e43a34a97";

/// Starts a gateway whose plugin has the webhook key `provider` with the secret `planted-key`.
fn bound(change: impl FnOnce(Setup) -> Setup) -> Gateway {
    let setup = Setup::misbehaving().file("webhook-key", "planted-key");
    change(setup.set("plugins.named.plugin.webhook_keys.provider", "{ file = \"files/webhook-key\" }")).start()
}

/// Makes the plugin check a signature repeatedly, and returns the last answer.
fn verify(gateway: &Gateway, key: &str, algorithm: &str, signature: &str, times: usize) -> String {
    gateway.output_of(&format!("verify {key} {algorithm} hello {signature} {times}"))
}

#[test]
fn twilio_channel_verifies_webhooks_without_reading_the_token() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted text", &[]);
    assert_eq!(team.front.conversation(&conversation).texts(), ["planted text"]);
}

#[test]
fn twilio_channel_rejects_a_webhook_signed_with_another_token() {
    let team = Team::new();
    let path = team.webhook_path();
    let form = [("EventType", "onMessageAdded"), ("Author", LEE), ("Body", "planted text")];
    let url = format!("{PUBLIC_URL}{path}");
    for (token, status) in [(TOKEN, 200), ("another token", 403)] {
        let signature = sign(token, &url, &form);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", FORM), ("x-twilio-signature", &*signature)];
        let answer = post(team.gateway.address(), &path, &headers, body.as_bytes());
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[test]
fn a_signature_is_valid_in_hexadecimal_and_in_base64() {
    let gateway = bound(|setup| setup);
    for (algorithm, signature) in [("sha1", SHA1), ("sha1", SHA1_BASE64), ("sha256", SHA256)] {
        assert_eq!(verify(&gateway, "provider", algorithm, signature, 1), "Some(Ok(true))", "{signature}");
    }
}

#[test]
fn a_wrong_or_truncated_signature_is_invalid() {
    let gateway = bound(|setup| setup);
    let other = SHA256.replace('0', "1");
    for (algorithm, signature) in [("sha256", &*other), ("sha256", SHA1), ("sha1", SHA256), ("sha1", &SHA1[..2])] {
        assert_eq!(verify(&gateway, "provider", algorithm, signature, 1), "Some(Ok(false))", "{signature}");
    }
}

#[test]
fn either_of_two_secrets_is_valid_during_a_rotation() {
    let both = "[{ file = \"files/next-key\" }, { file = \"files/webhook-key\" }]";
    let gateway =
        bound(|setup| setup.file("next-key", "another").set("plugins.named.plugin.webhook_keys.provider", both));
    assert_eq!(verify(&gateway, "provider", "sha256", SHA256, 1), "Some(Ok(true))");
}

#[test]
fn a_webhook_key_is_not_readable_as_a_setting() {
    let gateway = bound(|setup| setup.set("plugins.named.plugin.config.known", "\"a setting\""));
    let settings = gateway.output_of("settings");
    assert!(settings.contains("a setting") && !settings.contains("planted-key"), "{settings}");
}

#[test]
fn an_unbound_key_is_unknown() {
    let gateway = bound(|setup| setup);
    assert!(verify(&gateway, "other", "sha256", SHA256, 1).contains("unknown-key"));
}

#[test]
fn signature_checks_per_call_are_limited() {
    let gateway = bound(|setup| setup.set("plugins.limits.signatures_max", "3"));
    assert_eq!(verify(&gateway, "provider", "sha256", SHA256, 3), "Some(Ok(true))");
    assert!(verify(&gateway, "provider", "sha256", SHA256, 4).contains("too-many"));
}

#[test]
fn a_literal_webhook_key_is_rejected_without_repeating_it() {
    let setup = Setup::misbehaving().set("plugins.named.plugin.webhook_keys.provider", "\"planted-key\"");
    setup.write();
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success() && text.contains("a literal") && !text.contains("planted-key"), "{text}");
}

#[test]
fn check_warns_about_a_plugin_that_can_read_a_signing_token() {
    let setup = Setup::misbehaving().set("plugins.named.plugin.secrets.auth_token", "{ file = \"token\" }");
    setup.write();
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("plugins.named.plugin.secrets.auth_token") && text.contains("webhook_keys"), "{text}");
    assert!(!text.contains(TOKEN), "{text}");
}
