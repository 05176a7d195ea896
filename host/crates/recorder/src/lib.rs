//! Records of recent requests, and their numbers over time, in memory.
//!
//! [`Recorder`] is the entry point, shared by the gateway, which writes, and by pages and commands, which read. Pure: no
//! IO, no async, no clock. Times are arguments, and the owner calls [`Recorder::tick`].
//!
//! In reading order: [`Record`] is one request, [`Facts`] and [`Content`] are its parts; `rings` stores records and
//! `reading` merges them; [`Attempt`] has the calls of plugins in one attempt of a delivery; [`Filter`] selects, [`Watch`] wakes a reader that waits; [`Series`] counts.
//!
//! Facts contain no number, name or text of a customer, except in [`Facts::detail`], which the log has as well. Content
//! does, so only readers with that right may see it, and it is dropped after [`Settings::keep_ms`].

mod announced;
mod attempts;
mod budget;
mod filter;
mod keep;
mod names;
mod reading;
mod record;
mod recorder;
mod rings;
mod series;
mod settings;
mod watch;

pub use self::attempts::Attempt;
pub use self::budget::TenantCallback;
pub use self::filter::{Filter, FilterError};
pub use self::keep::KeepReason;
pub use self::reading::Page;
pub use self::record::{
    CallCost, CallResult, Capture, Content, Facts, Level, Line, Outcome, PluginCall, Record, SignatureResult, Stages,
};
pub use self::recorder::Recorder;
pub use self::series::{BUCKETS, Counts, Point, Series, SeriesError, SeriesKey, bucket_bound_us};
pub use self::settings::{RecordDetail, Settings};
pub use self::watch::Watch;

#[cfg(test)]
mod tests;
