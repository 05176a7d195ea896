//! The templates callback: `GetTemplatesByCustomerId`.

use std::borrow::Cow;

use frontgate_contract::bindings::templates::{Category, TemplateRequest};
use frontgate_twilio::form::Form;
use serde::Serialize;

use super::error::DecodeError;
use super::{CallbackResponse, RESPONSE_BYTES_MAX, location, sanitize, worker};

const TEMPLATES: &str = "GetTemplatesByCustomerId";

/// Decodes a callback. A participant that is not in the CRM has no `CustomerId`.
/// `default_worker` asks if the request names no worker.
pub fn decode(
    form: &Form<'_>,
    query: Option<&str>,
    default_worker: Option<&str>,
) -> Result<TemplateRequest, DecodeError> {
    match location(form, query)? {
        TEMPLATES => Ok(TemplateRequest {
            worker: worker(form, default_worker),
            customer_id: form.get("CustomerId").map(str::to_owned),
            conversation_sid: form.get("ConversationSid").map(str::to_owned),
        }),
        _ => Err(DecodeError::UnknownLocation(TEMPLATES)),
    }
}

#[derive(Serialize)]
struct Group<'a> {
    display_name: Cow<'a, str>,
    templates: Vec<Text<'a>>,
}

#[derive(Serialize)]
struct Text<'a> {
    content: &'a str,
    /// The only name of Frontline in camel case.
    #[serde(rename = "whatsAppApproved", skip_serializing_if = "is_false")]
    whatsapp_approved: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Encodes the categories as a bare list. Templates at the end are left out if the list is too long.
pub fn encode(categories: &[Category]) -> CallbackResponse {
    let mut left_out = 0;
    let mut groups = Vec::with_capacity(categories.len());
    for category in categories {
        let display_name = sanitize::one_line(&category.display_name);
        if display_name.is_empty() {
            left_out += 1;
            continue;
        }
        let texts = category.templates.iter().filter(|template| !template.content.trim().is_empty());
        let templates: Vec<_> = texts
            .map(|template| Text { content: &template.content, whatsapp_approved: template.whatsapp_approved })
            .collect();
        left_out += category.templates.len() - templates.len();
        groups.push(Group { display_name, templates });
    }
    let mut body = super::json(&groups);
    let shortened = body.len() > RESPONSE_BYTES_MAX;
    let mut length = body.len();
    while length > RESPONSE_BYTES_MAX {
        let Some(last) = groups.last_mut() else { break };
        let dropped = match last.templates.pop() {
            Some(text) => super::json(&text).len() + 1,
            None => groups.pop().map_or(0, |group| super::json(&group).len() + 1),
        };
        left_out += 1;
        // If a list becomes empty, the estimate is one or two bytes too small because of the commas.
        length = length.saturating_sub(dropped);
        if length <= RESPONSE_BYTES_MAX {
            body = super::json(&groups);
            length = body.len();
        }
    }
    CallbackResponse { body, left_out, shortened }
}
