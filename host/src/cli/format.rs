//! How the commands put things.

use std::time::{Duration, UNIX_EPOCH};

use frontgate_telemetry::is_invisible;

/// A text from outside: it must not act on the terminal.
pub(super) fn plain(text: &str) -> String {
    text.replace(is_invisible, " ")
}

/// A value as JSON over several lines. What would act on the terminal is escaped, so it means the same.
pub(super) fn escaped(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let acts = |character: char| character != '\n' && is_invisible(character);
    if !text.contains(acts) {
        return Ok(text);
    }
    let letter = |character: char| match acts(character) {
        true => format!("\\u{:04x}", u32::from(character)),
        false => character.to_string(),
    };
    Ok(text.chars().map(letter).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_nothing_in_it_acts_on_the_terminal() {
        let value = serde_json::json!({ "text": "a\u{9b}31m\u{202e}b\u{1b}\n" });
        let text = escaped(&value).expect("JSON");
        assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
