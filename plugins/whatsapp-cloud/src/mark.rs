//! The mark of a message's part: the text in `biz_opaque_callback_data`, which Meta returns in reports.

use serde::{Deserialize, Serialize};

/// Meta's limit on the length of the text, in bytes. A mark without the first part's id is always shorter.
const BYTES_MAX: usize = 512;

/// Identifies a part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The gateway's key of the message.
    pub(crate) key: String,
    /// The number of the part, from 1.
    pub(crate) part: usize,
    /// The total number of parts.
    pub(crate) of: usize,
    /// The id of the first part, in later parts. The id identifies the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Data {
    frontgate: Mark,
}

impl Mark {
    /// Encodes the mark.
    pub(crate) fn data(&self) -> String {
        let encode = |mark: Self| serde_json::to_string(&Data { frontgate: mark }).unwrap_or_default();
        let data = encode(self.clone());
        if data.len() <= BYTES_MAX { data } else { encode(Self { first: None, ..self.clone() }) }
    }

    /// Decodes the mark, if this plugin sent the message.
    pub(crate) fn of(data: &str) -> Option<Self> {
        serde_json::from_str::<Data>(data).ok().map(|data| data.frontgate)
    }
}
