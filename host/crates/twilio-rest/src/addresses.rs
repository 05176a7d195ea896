//! Addresses of an account: what Twilio does with a message from a customer who has no conversation.

use serde::Deserialize;

/// The configuration of a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Address {
    /// Twilio's SID, `IG...`.
    pub sid: String,
    /// The number, with `whatsapp:` for WhatsApp.
    pub address: String,
    /// Automatic creation of conversations.
    #[serde(default)]
    pub auto_creation: AutoCreation,
}

/// Automatic creation of conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AutoCreation {
    /// Whether a message creates a conversation.
    #[serde(default)]
    pub enabled: bool,
    /// `default`, or `webhook` and `studio`: the new conversation gets a webhook or a Studio flow.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The service of the new conversation. `None`: the account's default service.
    pub conversation_service_sid: Option<String>,
    /// The URL of a webhook.
    pub webhook_url: Option<String>,
    /// The Studio flow, `FW...`.
    pub studio_flow_sid: Option<String>,
}

/// A change of one address.
#[derive(Debug, PartialEq, Eq)]
pub struct AddressChange {
    /// The number.
    pub address: String,
    /// The SID of the existing configuration.
    pub sid: Option<String>,
    /// The fields to set.
    pub form: Vec<(&'static str, String)>,
    /// URL, flow and service of another system that the change replaces.
    pub replaced: Vec<String>,
}

impl AddressChange {
    /// Returns the change after which messages to a number create conversations in a service, or `None` if they do.
    pub fn to_create_conversations(
        known: &[Address],
        number: &str,
        service: Option<&str>,
        is_service_default: bool,
    ) -> Option<Self> {
        let found = known.iter().find(|address| address.address == number);
        let before = found.map(|found| &found.auto_creation);
        let is_elsewhere = |sid: &Option<String>| match sid {
            Some(sid) => service.is_some_and(|service| service != sid),
            None => !is_service_default,
        };
        let is_done = |before: &AutoCreation| {
            before.enabled
                && !matches!(before.kind.as_deref(), Some("webhook" | "studio"))
                && !is_elsewhere(&before.conversation_service_sid)
        };
        if before.is_some_and(is_done) {
            return None;
        }
        let mut form = Vec::new();
        if found.is_none() {
            let kind = if number.starts_with("whatsapp:") { "whatsapp" } else { "sms" };
            form.extend([("Type", kind.to_owned()), ("Address", number.to_owned())]);
        }
        form.extend([("AutoCreation.Enabled", "true".to_owned()), ("AutoCreation.Type", "default".to_owned())]);
        form.extend(service.map(|service| ("AutoCreation.ConversationServiceSid", service.to_owned())));
        let mut replaced = Vec::new();
        if let Some(before) = before.filter(|before| before.enabled) {
            replaced.extend(match before.kind.as_deref() {
                Some("webhook") => before.webhook_url.clone(),
                Some("studio") => before.studio_flow_sid.clone(),
                _ => None,
            });
            replaced.extend(before.conversation_service_sid.clone().filter(|sid| is_elsewhere(&Some(sid.clone()))));
        }
        Some(Self { address: number.to_owned(), sid: found.map(|found| found.sid.clone()), form, replaced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "+12025550199";

    fn address(auto_creation: AutoCreation) -> Address {
        Address { sid: "IG1".to_owned(), address: NUMBER.to_owned(), auto_creation }
    }

    fn change(known: &[Address]) -> Option<AddressChange> {
        AddressChange::to_create_conversations(known, NUMBER, Some("IS1"), false)
    }

    #[test]
    fn an_unknown_number_is_created_with_its_type() {
        let form = |change: AddressChange| change.form.into_iter().take(2).collect::<Vec<_>>();
        let sms = change(&[]).map(form).expect("a change");
        assert_eq!(sms, [("Type", "sms".to_owned()), ("Address", NUMBER.to_owned())]);
        let whatsapp = AddressChange::to_create_conversations(&[], "whatsapp:+12025550199", None, true);
        assert_eq!(whatsapp.map(form).expect("a change")[0], ("Type", "whatsapp".to_owned()));
    }

    #[test]
    fn a_number_that_creates_conversations_in_the_service_is_kept() {
        let service = Some("IS1".to_owned());
        let enabled = AutoCreation { enabled: true, conversation_service_sid: service, ..AutoCreation::default() };
        assert_eq!(change(&[address(enabled)]), None);
    }

    #[test]
    fn the_webhook_flow_and_service_of_another_system_are_named() {
        let other = AutoCreation {
            enabled: true,
            kind: Some("webhook".to_owned()),
            conversation_service_sid: Some("IS2".to_owned()),
            webhook_url: Some("https://other.example.org".to_owned()),
            studio_flow_sid: None,
        };
        let replaced = |creation: AutoCreation| change(&[address(creation)]).expect("a change").replaced;
        assert_eq!(replaced(other.clone()), ["https://other.example.org", "IS2"]);
        let flow = Some("FW1".to_owned());
        let studio = AutoCreation { kind: Some("studio".to_owned()), studio_flow_sid: flow, ..other.clone() };
        assert_eq!(replaced(studio), ["FW1", "IS2"]);
        assert_eq!(replaced(AutoCreation { enabled: false, ..other }), [] as [&str; 0]);
    }
}
