//! `application_message_templates`: templates of the provider that teammates can choose.

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::front::api::messages::unpublished;
use crate::front::api::{ApiRequest, Done};
use crate::front::model::{Template, TemplateVariable};
use crate::front::problem::Problem;
use crate::front::state::State;

/// The published fields without the id, all required in a `PUT`.
const FIELDS: [&str; 6] = ["name", "blurb", "is_disabled", "status_name", "variable_mappings", "template_preview"];

/// All names that may occur.
const KNOWN: [&str; 9] = [
    "external_id",
    "name",
    "blurb",
    "is_disabled",
    "status_name",
    "variable_mappings.uid",
    "variable_mappings.name",
    "variable_mappings.type",
    "template_preview",
];

const STATUSES: [&str; 3] = ["PENDING", "APPROVED", "REJECTED"];
const KINDS: [&str; 4] = ["text", "file", "image", "video"];

/// Adds a template, or replaces the one with the same id. [?] Front does not document the second case.
pub(crate) fn put(state: &mut State, channel: &str, fields: &Value) -> Result<Done, Problem> {
    supported(state)?;
    let mut details = problems(fields, &KNOWN);
    let missing = FIELDS.iter().chain(&["external_id"]).filter(|name| fields[**name].is_null());
    details.extend(missing.map(|name| format!("body.{name}: missing")));
    let external_id = fields["external_id"].as_str().filter(|id| !id.is_empty());
    if !details.is_empty() {
        return Err(Problem::invalid(details));
    }
    let external_id = external_id.ok_or_else(|| Problem::invalid(vec!["body.external_id: blank".to_owned()]))?;
    let known =
        state.world.templates.iter().position(|known| known.channel == channel && known.external_id == external_id);
    let at = known.unwrap_or_else(|| {
        let number = state.world.templates.len() as u64 + 1;
        state.world.templates.push(Template::new(channel, external_id, number));
        state.world.templates.len() - 1
    });
    Ok(change(&mut state.world.templates[at], fields))
}

/// Changes fields of a template. [?] Front does not document the error for an unknown one.
pub(crate) fn patch(state: &mut State, request: &ApiRequest, channel: &str, fields: &Value) -> Result<Done, Problem> {
    supported(state)?;
    let details = problems(fields, &KNOWN[1..]);
    if !details.is_empty() {
        return Err(Problem::invalid(details));
    }
    let id = request.name(1);
    let mut templates = state.world.templates.iter_mut();
    let found = templates.find(|known| known.channel == channel && known.external_id == id);
    Ok(change(found.ok_or_else(Problem::not_found)?, fields))
}

fn supported(state: &State) -> Result<(), Problem> {
    match state.settings.templates {
        true => Ok(()),
        false => Err(Problem::invalid(vec!["channel: does not support application message templates".to_owned()])),
    }
}

fn problems(fields: &Value, known: &[&str]) -> Vec<String> {
    let mut unknown = Vec::new();
    unpublished(fields, "", known, &mut unknown);
    let mut details: Vec<_> = unknown.into_iter().map(|name| format!("body.{name}: unknown field")).collect();
    let mut check = |name: &str, is_fine: bool, problem: &str| {
        if !fields[name].is_null() && !is_fine {
            details.push(format!("body.{name}: {problem}"));
        }
    };
    for name in ["external_id", "name", "blurb", "template_preview"] {
        check(name, fields[name].is_string(), "not a string");
    }
    check("is_disabled", fields["is_disabled"].is_boolean(), "not a boolean");
    let is_one_of = |value: &Value, all: &[&str]| value.as_str().is_some_and(|text| all.contains(&text));
    check("status_name", is_one_of(&fields["status_name"], &STATUSES), "unknown status");
    let is_variable = |variable: &Value| {
        variable["uid"].is_string() && variable["name"].is_string() && is_one_of(&variable["type"], &KINDS)
    };
    let variables = fields["variable_mappings"].as_array();
    check("variable_mappings", variables.is_some_and(|all| all.iter().all(is_variable)), "not a list of variables");
    details
}

fn change(template: &mut Template, fields: &Value) -> Done {
    let set = |name: &str, old: &mut String| {
        if let Some(text) = fields[name].as_str() {
            text.clone_into(old);
        }
    };
    set("name", &mut template.name);
    set("blurb", &mut template.blurb);
    set("status_name", &mut template.status_name);
    set("template_preview", &mut template.template_preview);
    template.is_disabled = fields["is_disabled"].as_bool().unwrap_or(template.is_disabled);
    if let Some(variables) = fields["variable_mappings"].as_array() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let variable = |variable: &Value| TemplateVariable {
            uid: text(&variable["uid"]),
            name: text(&variable["name"]),
            kind: text(&variable["type"]),
        };
        template.variable_mappings = variables.iter().map(variable).collect();
    }
    // [?] The description types the id as a number; its example is a text.
    Reply::new(200, json!({ "template_id": template.number }).to_string()).into()
}
