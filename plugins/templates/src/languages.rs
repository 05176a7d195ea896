//! The same thing in several languages, and which one somebody gets.

use std::collections::BTreeMap;

/// Something in one or more languages.
#[derive(Debug)]
pub(crate) struct Translations<T>(BTreeMap<String, T>);

/// Whom a text is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'l> {
    /// The customer's language.
    pub(crate) language: &'l str,
    /// The language of what is not translated.
    pub(crate) default: &'l str,
}

impl<T> Translations<T> {
    /// What to show, and in which language that is.
    pub(crate) fn get(&self, wanted: Wanted) -> Option<(&str, &T)> {
        let found = self.0.get_key_value(wanted.language).or_else(|| self.0.get_key_value(wanted.default));
        found.map(|(language, it)| (language.as_str(), it))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is something in a language.
    pub(crate) fn has(&self, language: &str) -> bool {
        self.0.contains_key(language)
    }
}

impl<T> FromIterator<(String, T)> for Translations<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(translations: I) -> Self {
        Self(translations.into_iter().collect())
    }
}
