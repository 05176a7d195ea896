//! The version of folding, searched texts and sort keys.

/// The versions that stored keys and texts depend on: packages, their Unicode data (`_data`), and this crate's rules.
///
/// A store that was written with another version rewrites its keys and texts from the customers' names.
pub const VERSION: &str = concat!(
    "icu_casemap 2.4.0, icu_casemap_data 2.4.0, icu_collator 2.4.0, icu_collator_data 2.4.0, ",
    "icu_normalizer 2.4.0, icu_normalizer_data 2.4.0, icu_properties 2.4.0, icu_properties_data 2.4.0, ",
    "deunicode 1.6.2, rules 1"
);
