//! Templates of a provider, which Front offers to teammates: `application_message_templates`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, Method, json};
use crate::ids::segment;

/// A template as Front shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The displayed name.
    pub name: String,
    /// The text with its variables.
    pub blurb: String,
    /// Whether teammates cannot choose it.
    pub is_disabled: bool,
    /// The approval, for admins.
    pub status_name: TemplateStatus,
    /// The variables.
    pub variable_mappings: Vec<Variable>,
    /// The text as HTML.
    pub template_preview: String,
}

/// The approval of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TemplateStatus {
    /// Not decided yet.
    Pending,
    /// May be sent.
    Approved,
    /// Must not be sent.
    Rejected,
}

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The key in the text.
    pub uid: String,
    /// The label for admins.
    pub name: String,
    /// The kind of its value.
    #[serde(rename = "type")]
    pub kind: VariableKind,
}

/// The kind of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableKind {
    /// A text.
    Text,
    /// A file of any kind.
    File,
    /// A picture.
    Image,
    /// A video.
    Video,
}

/// Adds a template to a channel under the gateway's id, or replaces it. Success is 200.
pub fn put_template(channel_id: &str, external_id: &str, template: &Template) -> Call {
    #[derive(Serialize)]
    struct Whole<'t> {
        external_id: &'t str,
        #[serde(flatten)]
        template: &'t Template,
    }
    Call { method: Method::Put, path: path(channel_id), body: json(&Whole { external_id, template }) }
}

/// Changes the fields of a template that differ from those that Front has. `None` if all are equal. Success is 200.
pub fn patch_template(channel_id: &str, external_id: &str, in_front: &Template, now: &Template) -> Option<Call> {
    let [old, new] = [in_front, now].map(fields);
    let changed: Map<String, Value> = new.into_iter().filter(|(name, value)| old.get(name) != Some(value)).collect();
    let path = format!("{}/{}", path(channel_id), segment(external_id));
    (!changed.is_empty()).then(|| Call { method: Method::Patch, path, body: json(&changed) })
}

fn fields(template: &Template) -> Map<String, Value> {
    match serde_json::to_value(template).expect("texts, flags and lists of them") {
        Value::Object(fields) => fields,
        _ => unreachable!("a struct is an object"),
    }
}

fn path(channel_id: &str) -> String {
    format!("/channels/{}/application_message_templates", segment(channel_id))
}
