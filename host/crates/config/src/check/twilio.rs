//! Checks `[tenants.NAME.twilio]`.

use std::collections::BTreeSet;

use frontgate_twilio::Settings;
use frontgate_twilio::number::is_e164;

use super::{Report, api_url};

/// Maximum length of a worker's identity in bytes.
const IDENTITY_BYTES_MAX: usize = 256;

/// Reports every problem. `answers` is whether the configuration names a plugin for a role of Twilio's callbacks.
pub(super) fn check(table: &str, twilio: &Settings, answers: bool, report: &mut Report<'_, '_>) {
    let key = |key: &str| format!("{table}.{key}");
    if (answers || twilio.voice.enabled) && twilio.auth_tokens.is_empty() && twilio.shared_keys.is_empty() {
        let fix = "add `auth_tokens = [{ env = \"TWILIO_AUTH_TOKEN\" }]`";
        report.add(&key("auth_tokens"), "is empty, so no callback can be verified", fix);
    }
    match (&twilio.api_key, &twilio.api_secret) {
        (Some(_), None) => report.add(&key("api_key"), "requires api_secret", "add `api_secret`"),
        (None, Some(_)) => report.add(&key("api_secret"), "requires api_key", "add `api_key`"),
        _ => {}
    }
    api_url(&key("conversations_url"), &twilio.conversations_url, "https://conversations.twilio.com", report);
    let is_identity = |worker: &str| !worker.trim().is_empty() && worker.len() <= IDENTITY_BYTES_MAX;
    if twilio.default_worker.as_deref().is_some_and(|worker| !is_identity(worker)) {
        report.add(&key("default_worker"), "is not an identity", "write the identity of a worker, such as an e-mail");
    }
    for (index, number) in twilio.numbers.iter().enumerate() {
        if !is_e164(number) {
            let fix = "write a plus sign and digits only, such as +12025550199";
            report.add(&key(&format!("numbers[{index}]")), "is not a number in E.164", fix);
        }
    }
    let is_service =
        |sid: &str| sid.len() == 34 && sid.starts_with("IS") && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if twilio.voice.service_sid.as_deref().is_some_and(|sid| !is_service(sid)) {
        let fix = "write the SID of Frontline's Conversations service, `IS` and 32 characters";
        report.add(&key("voice.service_sid"), "is not the SID of a service", fix);
    }
    let mut ids = BTreeSet::new();
    for (index, shared) in twilio.shared_keys.iter().enumerate() {
        if shared.id.is_empty() || !ids.insert(&shared.id) {
            let fix = "write the id that Twilio gave the key";
            report.add(&key(&format!("shared_keys[{index}].id")), "is empty, or also the id of another key", fix);
        }
    }
}
