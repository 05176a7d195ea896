//! The list and the search index over a tenant's customers, in memory.
//!
//! - [`SortKeys`] makes the keys of the list's order; [`searched_text`] makes the text of a row, by [`fold`].
//! - [`Index`] holds [`Row`]s in immutable runs. [`Index::apply`] returns a new index, [`Index::list`] and
//!   [`Index::search`] return pages. A [`Position`] is a value, which stays valid while rows come and go.
//! - [`Index::merge_plan`], [`MergePlan::run`] and [`Index::install`] merge large runs beside later changes: one writer
//!   applies changes and installs merges, a thread that may block runs the plan in between.
//!
//! The crate is pure: no clock, IO or async. Work is limited in rows and bytes.

mod dead;
mod fold;
mod index;
mod keys;
mod merge;
mod page;
mod query;
mod row;
mod run;
mod scan;
mod searched_text;
mod staged;
#[cfg(test)]
mod tests;
mod version;
mod walk;

pub use self::fold::fold;
pub use self::index::{APPLY_MERGE_RUN_ROWS, Builder, Index};
pub use self::keys::{KEY_BYTES_MAX, SortKey, SortKeys, UnknownLocale};
pub use self::merge::{MergePlan, Merged, RUN_BYTES_MAX};
pub use self::page::{Page, SEARCH_BUDGET_BYTES};
pub use self::query::{QUERY_CHARS_MAX, QUERY_WORDS_MAX, Query};
pub use self::row::{Audience, Change, Position, ROW_AUDIENCES_MAX, ROW_TEXT_BYTES_MAX, Row};
pub use self::searched_text::{NUMBERS_MAX, SearchedText, Spelling, TEXT_BYTES_MAX, searched_text};
pub use self::version::VERSION;
