//! Files of a message: only where they are comes with the request.

use serde_json::Value;

use super::{Unreadable, shape};

/// Files of one message.
pub const ATTACHMENTS_MAX: usize = 100;

/// Characters of a file's name: what file systems take.
pub const FILENAME_CHARS_MAX: usize = 255;

/// A file to fetch from Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `fil_...`; where Front says none, its place in the list, as `at-0`.
    pub id: String,
    /// Without folders and control characters.
    pub filename: String,
    /// Where it lies, as Front wrote it: to be checked before anybody asks there.
    pub url: Option<String>,
    /// `application/octet-stream` where Front says none, or none that is one.
    pub content_type: String,
    /// In bytes, as far as Front says.
    pub size: Option<u64>,
    /// Whether the body shows it.
    pub is_inline: bool,
    /// By which name the body shows it.
    pub cid: Option<String>,
}

/// The files of a message.
pub(super) fn read(payload: &Value) -> Result<Vec<Attachment>, Unreadable> {
    let all = shape::list(payload, "/attachments");
    if all.len() > ATTACHMENTS_MAX {
        return Err(Unreadable::TooMany { what: "attachments", max: ATTACHMENTS_MAX });
    }
    Ok(all.iter().enumerate().filter(|(_, value)| value.is_object()).map(attachment).collect())
}

fn attachment((at, value): (usize, &Value)) -> Attachment {
    let content_type = shape::word(value, "/content_type").filter(|text| is_content_type(text));
    Attachment {
        id: shape::word(value, "/id").unwrap_or_else(|| format!("at-{at}")),
        filename: filename(&shape::word(value, "/filename").unwrap_or_default()),
        url: shape::word(value, "/url"),
        content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: shape::number(value, "/size").map(|size| size as u64),
        is_inline: shape::flag(value, "/metadata/is_inline"),
        cid: shape::word(value, "/metadata/cid"),
    }
}

/// A name that can stand in a header and in a folder. The end is kept, since it says the kind.
fn filename(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let letters: Vec<char> = name.chars().filter(|letter| !letter.is_control() && *letter != '"').collect();
    let name: String = letters[letters.len().saturating_sub(FILENAME_CHARS_MAX)..].iter().collect();
    match name.trim() {
        "" | "." | ".." => "attachment".to_owned(),
        name => name.to_owned(),
    }
}

fn is_content_type(text: &str) -> bool {
    text.contains('/') && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
