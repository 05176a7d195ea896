//! Values in several languages, and the selection of one of them.

use std::collections::BTreeMap;

/// A value in one or more languages.
#[derive(Debug)]
pub(crate) struct Translations<T>(BTreeMap<String, T>);

/// The languages to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'l> {
    /// The customer's language.
    pub(crate) language: &'l str,
    /// The default language.
    pub(crate) default: &'l str,
}

impl<T> Translations<T> {
    /// Returns the value to show, and its language.
    pub(crate) fn get(&self, wanted: Wanted) -> Option<(&str, &T)> {
        let found = self.0.get_key_value(wanted.language).or_else(|| self.0.get_key_value(wanted.default));
        found.map(|(language, it)| (language.as_str(), it))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether there is a value in this language.
    pub(crate) fn has(&self, language: &str) -> bool {
        self.0.contains_key(language)
    }
}

impl<T> FromIterator<(String, T)> for Translations<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(translations: I) -> Self {
        Self(translations.into_iter().collect())
    }
}
