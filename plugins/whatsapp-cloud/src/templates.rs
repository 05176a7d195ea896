//! Lists the account's message templates.

use channel_values::keys;
use frontgate_sdk::Result;
use frontgate_sdk::channel::{Template, TemplatePage, TemplateStatus, TemplateVariable, VariableKind};
use serde::Deserialize;
use serde_json::Value;

use crate::graph::{self, Refusal};
use crate::settings::Settings;

/// Templates in one page; each is up to a few kilobytes.
const PAGE_SIZE: usize = 50;

const FIELDS: &str = "name,language,status,components";

/// Between name and language in the plugin's ids. Names consist of small letters, digits and `_`.
const SEPARATOR: char = ':';

#[derive(Deserialize)]
struct Listed {
    name: String,
    language: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    /// Of a header: `TEXT`, `IMAGE`, `VIDEO`, `DOCUMENT` or `LOCATION`.
    #[serde(default)]
    format: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    example: Value,
    #[serde(default)]
    buttons: Vec<Value>,
}

/// Returns the name and the language of a template, which Meta wants instead of its id.
pub(crate) fn named<'i>(id: &'i str, language: &'i str) -> (&'i str, &'i str) {
    id.split_once(SEPARATOR).unwrap_or((id, language))
}

/// Returns a page of templates.
pub(crate) fn list(settings: &Settings, page_token: Option<String>) -> Result<TemplatePage> {
    let page: graph::Page<Listed> =
        graph::page(settings, "message_templates", FIELDS, PAGE_SIZE, page_token.as_deref())
            .map_err(Refusal::of_account)?;
    let next_page_token = page.next();
    Ok(TemplatePage { templates: page.data.into_iter().filter_map(Listed::template).collect(), next_page_token })
}

impl Listed {
    /// Converts a template with a text. Others cannot be written in Front.
    fn template(self) -> Option<Template> {
        let is_body = |component: &&Component| component.kind == "BODY" && !component.text.is_empty();
        let body = self.components.iter().find(is_body)?;
        let in_body = keys(&body.text).into_iter();
        let mut variables: Vec<_> = in_body.enumerate().map(|(at, key)| variable(&key, at, &body.example)).collect();
        // Values outside of the body, which Front cannot fill. A template with one is listed but never sent.
        for component in self.components.iter().filter(|component| component.kind != "BODY") {
            variables.extend(component.others());
        }
        Some(Template {
            id: format!("{}{SEPARATOR}{}", self.name, self.language),
            name: self.name,
            language: self.language,
            body: body.text.clone(),
            status: status(&self.status),
            variables,
        })
    }
}

impl Component {
    fn others(&self) -> Vec<TemplateVariable> {
        let one = |key: String, kind| TemplateVariable { name: key.clone(), key, kind };
        match (self.kind.as_str(), self.format.as_str()) {
            ("HEADER", "IMAGE") => vec![one("header".to_owned(), VariableKind::Image)],
            ("HEADER", "VIDEO") => vec![one("header".to_owned(), VariableKind::Video)],
            ("HEADER", "DOCUMENT") => vec![one("header".to_owned(), VariableKind::File)],
            ("HEADER", "LOCATION") => vec![one("header".to_owned(), VariableKind::Text)],
            ("HEADER", _) => {
                keys(&self.text).iter().map(|key| one(format!("header_{key}"), VariableKind::Text)).collect()
            }
            ("BUTTONS", _) => {
                let needs = self.buttons.iter().enumerate().filter(|(_, button)| needs_value(button));
                needs.map(|(at, _)| one(format!("button_{}", at + 1), VariableKind::Text)).collect()
            }
            ("CAROUSEL" | "LIMITED_TIME_OFFER", _) => vec![one(self.kind.to_lowercase(), VariableKind::File)],
            _ => Vec::new(),
        }
    }
}

/// Returns whether a button needs a value when the template is sent.
fn needs_value(button: &Value) -> bool {
    match button["type"].as_str().unwrap_or_default() {
        "URL" => button["url"].as_str().is_some_and(|url| url.contains("{{")),
        "QUICK_REPLY" | "PHONE_NUMBER" => false,
        // Codes, catalogs and flows.
        _ => true,
    }
}

/// Returns a variable of the body, with Meta's example as its label.
fn variable(key: &str, at: usize, example: &Value) -> TemplateVariable {
    let numbered = example["body_text"][0][at].as_str();
    let named = example["body_text_named_params"].as_array().into_iter().flatten();
    let named = named.filter(|one| one["param_name"] == *key).find_map(|one| one["example"].as_str());
    let label = named.or(numbered).filter(|label| !label.trim().is_empty()).unwrap_or(key);
    TemplateVariable { key: key.to_owned(), name: label.to_owned(), kind: VariableKind::Text }
}

fn status(status: &str) -> TemplateStatus {
    match status {
        "APPROVED" => TemplateStatus::Approved,
        "PENDING" | "IN_APPEAL" => TemplateStatus::Pending,
        // Such as `REJECTED`, `PAUSED`, `DISABLED`, `PENDING_DELETION` and `LIMIT_EXCEEDED`.
        _ => TemplateStatus::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(components: &Value, status: &str) -> Option<Template> {
        let listed =
            json!({ "id": "1", "name": "order", "language": "en_US", "status": status, "components": components });
        serde_json::from_value::<Listed>(listed).expect("a template").template()
    }

    #[test]
    fn a_template_has_a_state_and_variables_with_examples() {
        let body =
            json!([{ "type": "BODY", "text": "Hi {{1}}, {{2}} is here", "example": { "body_text": [["Ana", ""]] } }]);
        let states = [
            ("APPROVED", TemplateStatus::Approved),
            ("PENDING", TemplateStatus::Pending),
            ("PAUSED", TemplateStatus::Rejected),
        ];
        for (status, want) in states {
            let found = template(&body, status).expect("a template");
            assert_eq!((found.status, found.id.as_str()), (want, "order:en_US"));
            let labels: Vec<_> = found.variables.iter().map(|one| (one.key.as_str(), one.name.as_str())).collect();
            assert_eq!(labels, [("1", "Ana"), ("2", "2")]);
        }
    }

    #[test]
    fn a_named_variable_has_its_own_example() {
        let example = json!({ "body_text_named_params": [{ "param_name": "who", "example": "Ana" }] });
        let found = template(&json!([{ "type": "BODY", "text": "Hi {{who}}", "example": example }]), "APPROVED");
        assert_eq!(found.expect("a template").variables[0].name, "Ana");
    }

    #[test]
    fn values_outside_of_the_body_are_variables_that_front_cannot_fill() {
        let body = json!({ "type": "BODY", "text": "Hi" });
        let table = [
            (json!({ "type": "HEADER", "format": "IMAGE" }), vec!["header"]),
            (json!({ "type": "HEADER", "format": "TEXT", "text": "For {{1}}" }), vec!["header_1"]),
            (json!({ "type": "FOOTER", "text": "Bye" }), vec![]),
            (
                json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY" }, { "type": "URL", "url": "https://a/{{1}}" }] }),
                vec!["button_2"],
            ),
        ];
        for (component, want) in table {
            let found = template(&json!([component, body]), "APPROVED").expect("a template");
            let keys: Vec<_> = found.variables.iter().map(|one| one.key.as_str()).collect();
            assert_eq!(keys, want, "{component}");
        }
    }

    #[test]
    fn a_template_without_a_text_is_left_out() {
        assert_eq!(template(&json!([{ "type": "FOOTER", "text": "Bye" }]), "APPROVED"), None);
    }
}
