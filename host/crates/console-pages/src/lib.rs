//! The pages of the console: each is a function from a value to HTML.
//!
//! The values ("views") are also the JSON twins of the pages: what a page shows, its `.json` has, and nothing else. Both
//! mask personal data ([`Personal`]). The crate does no IO and knows no clock: the time is part of a view.
//!
//! `maud` escapes every text that is inserted into HTML. `PreEscaped`, which does not, is not used anywhere; a test of the
//! project checks that.
//!
//! In reading order: [`layout`], [`pages`], [`Personal`], [`words`], [`assets`].

pub mod assets;
mod charts;
mod csv;
mod icons;
mod keys;
pub mod layout;
pub mod pages;
mod personal;
pub mod words;

pub use self::csv::Table;
pub use self::layout::{Frame, Page, document};
pub use self::personal::{Grant, Kind, Personal, is_id, mask_text};
