//! Sort keys: the list's order, as bytes.

use std::fmt;

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::Locale;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use thiserror::Error;

/// Bytes of a key. Names with more have their order by the rest undefined, but stable.
pub const KEY_BYTES_MAX: usize = 96;
/// Bytes of a name that are read: a bound for the work.
const KEY_TEXT_BYTES_MAX: usize = 4096;

/// A key of the list's order: names sort as their keys, compared byte by byte.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey(Box<[u8]>);

impl SortKey {
    /// Returns a key that was stored or sent before. Bytes beyond [`KEY_BYTES_MAX`] are ignored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len().min(KEY_BYTES_MAX)].into())
    }

    /// Returns the key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without the bytes, which reveal the beginning of a name.
impl fmt::Debug for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SortKey({} bytes)", self.0.len())
    }
}

/// The error of a locale that is not a BCP 47 tag.
#[derive(Debug, Error)]
#[error("invalid locale {0:?}: use a tag such as \"de\" or \"pt-BR\"")]
pub struct UnknownLocale(String);

/// Makes sort keys by the rules of a locale.
#[derive(Debug)]
pub struct SortKeys(CollatorBorrowed<'static>);

impl SortKeys {
    /// Returns the keys of a locale. Locales without rules of their own, and an empty one, sort by the root's rules.
    ///
    /// # Errors
    ///
    /// [`UnknownLocale`] if the text is not a BCP 47 tag.
    pub fn new(locale: &str) -> Result<Self, UnknownLocale> {
        let invalid = || UnknownLocale(locale.chars().take(40).collect());
        let parsed = match locale {
            "" => Locale::UNKNOWN,
            tag => Locale::try_from_str(tag).map_err(|_| invalid())?,
        };
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Tertiary);
        Collator::try_new(parsed.into(), options).map(Self).map_err(|_| invalid())
    }

    /// Returns the key of a customer. Leading white space and punctuation is ignored; an empty name sorts by the id.
    #[must_use]
    pub fn key(&self, name: &str, id: &str) -> SortKey {
        let name = name.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || is_punctuation(c));
        let text = if name.is_empty() { id } else { name };
        let text = &text[..text.floor_char_boundary(KEY_TEXT_BYTES_MAX)];
        let mut bytes = Vec::with_capacity(KEY_BYTES_MAX);
        let Ok(()) = self.0.write_sort_key_to(text, &mut bytes);
        SortKey::from_bytes(&bytes)
    }
}

fn is_punctuation(c: char) -> bool {
    GeneralCategoryGroup::Punctuation.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}
