//! Sends a message, part by part.

use channel_values::Unanswered;
use frontgate_sdk::channel::{OutboundMessage, SendReceipt, TemplateUse};
use frontgate_sdk::{Error, Result, address};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graph::{self, Refusal};
use crate::mark::Mark;
use crate::numbers::digits;
use crate::parts::{self, Part};
use crate::settings::Settings;
use crate::{sent, templates, window};

/// Meta's response to an upload.
#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

/// Meta's response to a message.
#[derive(Deserialize)]
struct Accepted {
    #[serde(default)]
    contacts: Vec<Contact>,
    messages: Vec<Uploaded>,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    wa_id: Option<String>,
}

/// Sends the parts that Meta is not known to have.
pub(crate) fn send(settings: &Settings, number: &str, message: &OutboundMessage) -> Result<SendReceipt> {
    let (parts, customer) = (parts::of(message)?, customer(message)?);
    if parts.iter().any(|part| part.template.is_none()) {
        window::check(number, &customer)?;
    }
    let mut known = Vec::new();
    for at in 1..=parts.len() {
        known.push(sent::part(&message.idempotency_key, at)?.filter(|part| part.failure.is_none()));
    }
    let mut media = Vec::new();
    for (part, known) in parts.iter().zip(&known) {
        media.push(match &part.media {
            Some(file) if known.is_none() => {
                let url = settings.url(&format!("{number}/media"));
                Some(graph::upload::<Uploaded>(&url, file.file, file.content_type)?.id)
            }
            _ => None,
        });
    }
    let mut receipt: Option<SendReceipt> = None;
    for (at, part) in parts.iter().enumerate() {
        let (id, wa_id) = match &known[at] {
            Some(known) => (known.id.clone(), known.customer.clone()),
            None => {
                let first = receipt.as_ref().and_then(|receipt| receipt.external_id.clone());
                let mark = Mark { key: message.idempotency_key.clone(), part: at + 1, of: parts.len(), first };
                let body = body(message, &customer, part, media[at].as_deref(), &mark);
                let accepted = graph::post(&settings.url(&format!("{number}/messages")), &body);
                named(accepted, &customer).map_err(|refusal| partly(refusal, at, parts.len()))?
            }
        };
        receipt.get_or_insert_with(|| SendReceipt::new(id, wa_id));
    }
    receipt.ok_or_else(|| Error::failed("the message has no first part"))
}

/// Returns the ids of the message and the customer.
fn named(accepted: Result<Accepted, Refusal>, customer: &str) -> Result<(String, String), Refusal> {
    let Accepted { contacts, messages } = accepted?;
    let id = messages
        .into_iter()
        .next()
        .ok_or_else(|| Refusal::from(Unanswered::Passing("Meta's response has no id".to_owned())))?
        .id;
    // Some countries' numbers have another form in WhatsApp.
    let wa_id = contacts.into_iter().find_map(|contact| contact.wa_id);
    Ok((id, wa_id.unwrap_or_else(|| customer.to_owned())))
}

/// Converts the refusal of a part. After the first part, a retry would send that part twice.
fn partly(refusal: Refusal, sent: usize, of: usize) -> Error {
    let error = Error::from(refusal);
    if sent == 0 {
        return error;
    }
    let why = match error {
        Error::Invalid(why) => why,
        _ => "WhatsApp did not respond in time, or had a problem.".to_owned(),
    };
    Error::Invalid(format!("The customer got only {sent} of the {of} parts of this message. {why}"))
}

/// Returns the customer's WhatsApp id: the digits of the number.
fn customer(message: &OutboundMessage) -> Result<String> {
    let handle = match (message.to.as_slice(), message.conversation_ids.as_slice()) {
        ([one], _) => &one.handle,
        // The plugin's ids of conversations are the customers' ids.
        ([], [one]) => one,
        ([], []) => return Err(Error::invalid("The message has no recipient.")),
        _ => return Err(Error::invalid("WhatsApp has no groups here: write to each customer separately.")),
    };
    let number = digits(handle);
    let has_no_letters = !address::number(handle).chars().any(char::is_alphabetic);
    if !has_no_letters || !address::is_e164(&format!("+{number}")) {
        return Err(Error::invalid("The recipient is not a number with country code, such as +12025550107."));
    }
    Ok(number)
}

/// Builds the request for one part.
fn body(message: &OutboundMessage, customer: &str, part: &Part<'_>, media: Option<&str>, mark: &Mark) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": customer,
        "biz_opaque_callback_data": mark.data(),
    });
    let (kind, content) = match (part.template, &part.media) {
        (Some(used), _) => ("template", template(used)),
        (None, Some(file)) => {
            let mut content = json!({ "id": media });
            if !part.text.is_empty() {
                content["caption"] = part.text.into();
            }
            if file.kind == "document" {
                content["filename"] = file.file.filename.as_str().into();
            }
            (file.kind, content)
        }
        (None, None) => ("text", json!({ "body": part.text })),
    };
    body["type"] = kind.into();
    body[kind] = content;
    if let Some(answered) = message.in_reply_to.as_deref().filter(|_| mark.part == 1) {
        body["context"] = json!({ "message_id": answered });
    }
    body
}

/// Builds the template's name and the values of its body's variables.
fn template(used: &TemplateUse) -> Value {
    let (name, language) = templates::named(&used.id, &used.language);
    let mut values: Vec<_> = used.values.iter().collect();
    // Numbered variables have no names: the order counts.
    values.sort_by_key(|value| value.key.parse().unwrap_or(usize::MAX));
    let parameters = values.into_iter().map(|value| {
        let mut parameter = json!({ "type": "text", "text": value.value });
        if value.key.parse::<usize>().is_err() {
            parameter["parameter_name"] = value.key.as_str().into();
        }
        parameter
    });
    let parameters: Vec<_> = parameters.collect();
    let mut template = json!({ "name": name, "language": { "code": language } });
    if !parameters.is_empty() {
        template["components"] = json!([{ "type": "body", "parameters": parameters }]);
    }
    template
}
