//! Converts the content of a message to text and files.

use frontgate_sdk::Result;
use frontgate_sdk::channel::File;
use frontgate_sdk::http;
use serde::Deserialize;
use serde_json::Value;

use super::message::Written;
use crate::graph::{self, Refusal};
use crate::settings::Settings;

/// A message's content for Front.
#[derive(Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) files: Vec<File>,
    /// The message that a reaction belongs to.
    pub(super) refers_to: Option<String>,
}

/// A file in a webhook.
#[derive(Deserialize)]
struct Media {
    id: String,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    caption: Option<String>,
    /// Only documents have a name.
    #[serde(default)]
    filename: Option<String>,
    /// The address of the bytes for five minutes. Newer webhooks have it.
    #[serde(default)]
    url: Option<String>,
}

/// Meta's response to a request for a file.
#[derive(Deserialize)]
struct Located {
    url: String,
}

/// Returns the content. A type that Front cannot show becomes a text that names it.
pub(super) fn of(settings: &Settings, written: &Written) -> Result<Content> {
    let content = written.content.get(&written.kind).unwrap_or(&Value::Null);
    let words = |name: &str| content[name].as_str().filter(|text| !text.is_empty());
    let text = match written.kind.as_str() {
        "text" => words("body").map(str::to_owned),
        "image" | "video" | "audio" | "document" | "sticker" => return file(settings, &written.kind, content),
        "location" => Some(location(content)),
        "contacts" => Some(contacts(content)),
        "reaction" => {
            let text =
                words("emoji").map_or_else(|| "(Reaction removed)".to_owned(), |emoji| format!("Reaction: {emoji}"));
            let refers_to = words("message_id").map(str::to_owned);
            return Ok(Content { text, refers_to, ..Content::default() });
        }
        "button" => words("text").map(str::to_owned),
        "interactive" => interactive(content),
        "system" => words("body").map(|body| format!("({body})")),
        _ => None,
    };
    let text = text.unwrap_or_else(|| unknown(written));
    Ok(Content { text, ..Content::default() })
}

/// Says what arrived, with Meta's explanation if there is one.
fn unknown(written: &Written) -> String {
    let kind = if written.kind.is_empty() { "unknown" } else { written.kind.as_str() };
    let why = written.content.get("errors").and_then(|errors| errors[0]["title"].as_str());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!("(A WhatsApp message of the type \"{kind}\" arrived, which cannot be shown here{why})")
}

fn location(content: &Value) -> String {
    let words = ["name", "address"].map(|name| content[name].as_str().unwrap_or_default());
    let place = format!("{}, {}", content["latitude"], content["longitude"]);
    let all: Vec<_> = words.into_iter().filter(|text| !text.is_empty()).chain([place.as_str()]).collect();
    format!("Location: {}", all.join(", "))
}

fn contacts(content: &Value) -> String {
    let lines = content.as_array().into_iter().flatten().map(|contact| {
        let name = contact["name"]["formatted_name"].as_str().unwrap_or_default();
        let of = |list: &str, field: &str| -> Vec<String> {
            let all = contact[list].as_array().into_iter().flatten();
            all.filter_map(|one| one[field].as_str().map(str::to_owned)).collect()
        };
        let all: Vec<_> =
            [name.to_owned()].into_iter().chain(of("phones", "phone")).chain(of("emails", "email")).collect();
        format!("Contact: {}", all.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the label that the customer chose.
fn interactive(content: &Value) -> Option<String> {
    let chosen = &content[content["type"].as_str()?];
    let words: Vec<_> = ["title", "description", "body"].iter().filter_map(|name| chosen[*name].as_str()).collect();
    (!words.is_empty()).then(|| words.join("\n"))
}

fn file(settings: &Settings, kind: &str, content: &Value) -> Result<Content> {
    let Ok(media) = Media::deserialize(content) else {
        return Ok(Content { text: format!("({kind} that cannot be read)"), ..Content::default() });
    };
    let text = media.caption.unwrap_or_default();
    let url = match media.url.filter(|url| !url.is_empty()) {
        Some(url) => url,
        None => match graph::get::<Located>(&settings.url(&http::segment(&media.id))) {
            Ok(located) => located.url,
            // The customer deleted the file, or it has expired.
            Err(Refusal::ForGood { .. }) => {
                let text = format!("{text}\n({kind} that is no longer available)").trim().to_owned();
                return Ok(Content { text, ..Content::default() });
            }
            Err(refusal) => return Err(refusal.into()),
        },
    };
    let content_type = media.mime_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let content_type = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let filename = media.filename.filter(|name| !name.is_empty()).unwrap_or_else(|| name_of(kind, &content_type));
    Ok(Content { text, files: vec![File::url(filename, content_type, url)], ..Content::default() })
}

/// Derives a file name from the media type, such as `image.jpeg`.
fn name_of(kind: &str, content_type: &str) -> String {
    match content_type.split_once('/') {
        Some((_, ending)) if !ending.is_empty() && ending != "octet-stream" => format!("{kind}.{ending}"),
        _ => kind.to_owned(),
    }
}
