//! How the commands put things.

use std::time::{Duration, UNIX_EPOCH};

/// A text from outside: it must not act on the terminal.
pub(super) fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// `12 s`, `3 min`, `2 h`, `5 d`.
pub(super) fn short(ms: i64) -> String {
    match ms / 1_000 {
        s @ ..120 => format!("{} s", s.max(0)),
        s @ ..7_200 => format!("{} min", s / 60),
        s @ ..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

pub(super) fn time(ms: i64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs()))
}
