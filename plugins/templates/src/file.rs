//! The file's format: TOML, with each text either once or in several languages.

use std::collections::{BTreeMap, BTreeSet};

use frontgate_sdk::{Error, Result};
use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) category: Vec<Category>,
}

/// `[[category]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Category {
    pub(crate) name: Words,
    #[serde(default)]
    pub(crate) template: Vec<Template>,
}

/// `[[category.template]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    pub(crate) text: Words,
    #[serde(default)]
    pub(crate) whatsapp_approved: Approved,
}

/// A text: `"Hello"` in the default language, or `{ en = "Hello", de = "Hallo" }`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, or a table with a text for each language")]
pub(crate) enum Words {
    Once(String),
    Translated(BTreeMap<String, String>),
}

/// Whether WhatsApp has approved a template.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected true, false, or a list of languages")]
pub(crate) enum Approved {
    Everywhere(bool),
    In(Vec<String>),
}

impl Default for Approved {
    fn default() -> Self {
        Self::Everywhere(false)
    }
}

impl Words {
    /// Returns the texts by language. Omits blank texts, which are not translated yet.
    pub(crate) fn by_language(self, default: &str) -> BTreeMap<String, String> {
        let mut words = match self {
            Self::Once(words) => BTreeMap::from([(default.to_owned(), words)]),
            Self::Translated(words) => words,
        };
        words.retain(|_, words| !words.trim().is_empty());
        words
    }
}

impl File {
    /// Reads the content of the file.
    pub(crate) fn read(path: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            Error::failed(format!("`{path}`, line {line}: {}", problem(error.message())))
        })
    }

    /// Returns the languages that occur in the file.
    pub(crate) fn languages(&self) -> BTreeSet<String> {
        let names = self.category.iter().map(|category| &category.name);
        let languages = names.chain(self.texts()).flat_map(|words| match words {
            Words::Once(_) => Vec::new(),
            Words::Translated(words) => words.keys().cloned().collect(),
        });
        languages.collect()
    }

    /// Returns whether the file has a text without a language.
    pub(crate) fn has_text_once(&self) -> bool {
        self.texts().any(|words| matches!(words, Words::Once(_)))
    }

    fn texts(&self) -> impl Iterator<Item = &Words> {
        self.category.iter().flat_map(|category| &category.template).map(|template| &template.text)
    }
}

/// Removes the file's text from an error: it may be a message.
fn problem(message: &str) -> &str {
    match message.split_once(": string \"").and_then(|(_, rest)| rest.rsplit_once("\", ")) {
        Some((_, expected)) => expected,
        None => message,
    }
}
