//! Reads the fields of a form into a record, and keeps those that have no place in the record.

use std::str::FromStr;

use frontgate_contract::bindings::conversations::Media;
use frontgate_twilio::form::Form;
use serde::Deserialize;

use super::error::DecodeError;
use super::sid;

/// A form of which some fields were read.
pub(super) struct Fields<'f> {
    pairs: Vec<(&'f str, &'f str)>,
    /// Whether each pair was read.
    read: Vec<bool>,
}

/// A file, as Twilio writes it in the JSON of `Media`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    sid: String,
    filename: Option<String>,
    content_type: Option<String>,
    size: Option<u64>,
}

impl<'f> Fields<'f> {
    /// Starts to read a form. `EventType` is read already: it selects the record.
    pub(super) fn new(form: &'f Form<'_>) -> Self {
        let pairs: Vec<_> = form.pairs().collect();
        let read = pairs.iter().map(|(name, _)| *name == "EventType").collect();
        Self { pairs, read }
    }

    /// Returns the first value of a field, if `parse` accepts it. Other values stay unread. An empty value is `None`.
    fn first<T>(&mut self, name: &str, parse: impl FnOnce(&'f str) -> Option<T>) -> Option<T> {
        let at = self.pairs.iter().position(|(key, _)| *key == name)?;
        let value = self.pairs[at].1;
        if value.is_empty() {
            self.read[at] = true;
            return None;
        }
        let parsed = parse(value)?;
        self.read[at] = true;
        Some(parsed)
    }

    /// Returns the first value of a field.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.first(name, |value| Some(value.to_owned()))
    }

    /// Returns a number, or a `true` or `false`. Another text stays unread.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.first(name, |value| value.parse().ok())
    }

    /// Returns a required SID, since it may become part of a URL.
    pub(super) fn sid(&mut self, prefix: &str, name: &'static str) -> Result<String, DecodeError> {
        sid(&self.text(name).ok_or(DecodeError::MissingParameter(name))?, prefix, name)
    }

    /// Returns the attributes: the text of a JSON object.
    pub(super) fn attributes(&mut self) -> String {
        self.text("Attributes").unwrap_or_else(|| "{}".to_owned())
    }

    /// Returns the files of a message. A list that cannot be parsed stays unread.
    pub(super) fn media(&mut self) -> Vec<Media> {
        let files: Option<Vec<File>> = self.first("Media", |value| serde_json::from_str(value).ok());
        let media = |File { sid, filename, content_type, size }| Media { sid, filename, content_type, size };
        files.unwrap_or_default().into_iter().map(media).collect()
    }

    /// Marks every value of a field as read that `is_known` accepts.
    pub(super) fn mark(&mut self, name: &str, is_known: impl Fn(&str) -> bool) {
        for ((key, value), read) in self.pairs.iter().zip(&mut self.read) {
            *read |= *key == name && (value.is_empty() || is_known(value));
        }
    }

    /// Returns all fields that were not read.
    pub(super) fn rest(&self) -> Vec<(String, String)> {
        let unread = self.pairs.iter().zip(&self.read).filter(|(_, read)| !**read);
        unread.map(|((name, value), _)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
