//! Lists WhatsApp templates from Twilio's Content API.

use std::collections::BTreeMap;

use channel_values::keys;
use frontgate_sdk::channel::{Template, TemplatePage, TemplateStatus, TemplateVariable, VariableKind};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::number::Kind;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// Templates in one page; each is up to a few kilobytes.
const PAGE_SIZE: usize = 100;

/// The type whose body is preferred. Variants for other channels usually have the same text.
const TEXT: &str = "twilio/text";

#[derive(Deserialize)]
struct Page {
    contents: Vec<Content>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

/// A template, with its approval.
#[derive(Deserialize)]
struct Content {
    sid: String,
    #[serde(default)]
    friendly_name: Option<String>,
    #[serde(default)]
    language: Option<String>,
    /// Sample values by key.
    #[serde(default)]
    variables: Option<BTreeMap<String, Value>>,
    /// The content by type.
    #[serde(default)]
    types: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    approval_requests: Option<Value>,
}

/// Returns a page of templates. SMS needs no templates, so a channel for SMS has none.
pub(crate) fn list(channel: &Channel, page_token: Option<String>) -> Result<TemplatePage> {
    if Kind::of(&channel.number) != Kind::Whatsapp {
        return Ok(TemplatePage::last([]));
    }
    let first = || format!("{}/v1/ContentAndApprovals?PageSize={PAGE_SIZE}", channel.settings.content_url);
    let page: Page = twilio::get(&page_token.unwrap_or_else(first)).map_err(|refusal| match refusal {
        Refusal::ForGood { status, code, .. } => {
            let code = code.map_or_else(|| format!("status {status}"), |code| format!("Twilio error {code}"));
            Error::failed(format!("Twilio rejected the request for templates ({code})"))
        }
        other => other.into(),
    })?;
    let templates = page.contents.into_iter().filter_map(Content::template).collect();
    Ok(TemplatePage { templates, next_page_token: page.meta.next_page_url })
}

impl Content {
    /// Converts a content with a text. Others, such as locations, cannot be written in Front.
    fn template(self) -> Option<Template> {
        let types = self.types.unwrap_or_default();
        let body = |content: &Value| content["body"].as_str().map(str::to_owned);
        let body = types.get(TEXT).and_then(body).or_else(|| types.values().find_map(body))?;
        let samples = self.variables.unwrap_or_default();
        let mut keys = keys(&body);
        keys.extend(samples.keys().filter(|key| !keys.contains(key)).cloned().collect::<Vec<_>>());
        let variables = keys.into_iter().map(|key| {
            let sample = samples.get(&key).and_then(Value::as_str).filter(|sample| !sample.trim().is_empty());
            TemplateVariable { name: sample.unwrap_or(&key).to_owned(), key, kind: VariableKind::Text }
        });
        Some(Template {
            name: self.friendly_name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.sid.clone()),
            id: self.sid,
            language: self.language.unwrap_or_default(),
            variables: variables.collect(),
            body,
            status: status(self.approval_requests.as_ref()),
        })
    }
}

/// Reads the approval, which Twilio shows with or without the name of the channel.
fn status(approval: Option<&Value>) -> TemplateStatus {
    let status = approval.and_then(|approval| approval["whatsapp"]["status"].as_str().or(approval["status"].as_str()));
    match status.unwrap_or_default() {
        "approved" => TemplateStatus::Approved,
        "rejected" | "paused" | "disabled" => TemplateStatus::Rejected,
        // Such as `unsubmitted`, `received` and `pending`.
        _ => TemplateStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(content: Value) -> Option<Template> {
        serde_json::from_value::<Content>(content).expect("a content").template()
    }

    #[test]
    fn a_content_becomes_a_template_with_its_approval() {
        let content = |approval: Value| {
            json!({
                "sid": "HX1", "friendly_name": "order_update", "language": "en",
                "variables": { "1": "Smith", "2": "" },
                "types": { "twilio/media": { "body": "Other", "media": [] }, TEXT: { "body": "Hi {{1}}, {{2}} is here" } },
                "approval_requests": approval,
            })
        };
        let found = template(content(json!({ "status": "approved" }))).expect("a template");
        assert_eq!((found.id.as_str(), found.name.as_str(), found.language.as_str()), ("HX1", "order_update", "en"));
        assert_eq!(found.body, "Hi {{1}}, {{2}} is here");
        let labels: Vec<_> = found.variables.iter().map(|one| (one.key.as_str(), one.name.as_str())).collect();
        assert_eq!(labels, [("1", "Smith"), ("2", "2")]);
        for (approval, want) in [
            (json!({ "status": "approved" }), TemplateStatus::Approved),
            (json!({ "whatsapp": { "status": "approved" } }), TemplateStatus::Approved),
            (json!({ "status": "paused" }), TemplateStatus::Rejected),
            (json!({ "status": "unsubmitted" }), TemplateStatus::Pending),
            (Value::Null, TemplateStatus::Pending),
        ] {
            assert_eq!(template(content(approval.clone())).expect("a template").status, want, "{approval}");
        }
    }

    #[test]
    fn a_content_without_a_text_is_no_template() {
        assert_eq!(template(json!({ "sid": "HX1", "types": { "twilio/location": { "latitude": 1 } } })), None);
    }
}
