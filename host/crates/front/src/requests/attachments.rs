//! Files of a message: the request has their addresses, not their content.

use serde_json::Value;

use super::{Unreadable, shape};

/// Maximum number of files of one message.
pub const ATTACHMENTS_MAX: usize = 100;

/// Maximum length of a file name, in characters.
pub const FILENAME_CHARS_MAX: usize = 255;

/// A file to download from Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `fil_...`, or the position in the list, such as `at-0`.
    pub id: String,
    /// File name without folders and control characters.
    pub filename: String,
    /// The address as Front wrote it; must be checked before the download.
    pub url: Option<String>,
    /// The content type; `application/octet-stream` if missing or invalid.
    pub content_type: String,
    /// Size in bytes, if known.
    pub size: Option<u64>,
    /// Whether the body shows the file.
    pub is_inline: bool,
    /// The content id under which the body shows the file.
    pub cid: Option<String>,
}

/// Reads the files of a message.
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

/// Makes a name that is valid in a header and a folder. Only the end of a long name is kept, since it has the
/// extension.
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
