use std::time::{Duration, UNIX_EPOCH};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing::subscriber::with_default;
use tracing::{debug, info, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// Keeps the lines of a style.
struct Keep<'k>(Style, &'k Mutex<String>);

impl<S: Subscriber> Layer<S> for Keep<'static> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = UNIX_EPOCH + Duration::from_micros(1_796_035_453_000_007);
        self.0.write(&mut self.1.lock(), now, event);
    }
}

/// Returns the lines of the events that `log` causes.
fn lines(style: Style, log: impl FnOnce()) -> String {
    let kept: &'static Mutex<String> = Box::leak(Box::default());
    with_default(tracing_subscriber::registry().with(Keep(style, kept)), log);
    let lines = kept.lock();
    lines.clone()
}

#[test]
fn a_line_of_text_has_time_level_target_message_and_fields() {
    let line = lines(Style::Text, || {
        info!(target: "t", event = "a.b", status = 200, none = None::<&str>, is_new = true, part = ?Some(1.5), "it {}", "ran");
    });
    assert_eq!(
        line,
        "2026-11-30T10:44:13.000007Z  INFO t: it ran event=\"a.b\" status=200 is_new=true part=Some(1.5)\n"
    );
}

#[test]
fn a_line_of_json_is_an_object_with_the_same_fields() {
    let line = lines(Style::Json, || {
        warn!(target: "t", event = "a.b", pause = 7_u128, offset = -1, rate = 0.5, odd = f64::NAN, by = %"x\"\n", "a \"b\"");
    });
    let want = json!({
        "timestamp": "2026-11-30T10:44:13.000007Z", "level": "WARN", "target": "t", "message": "a \"b\"",
        "event": "a.b", "pause": 7, "offset": -1, "rate": 0.5, "odd": "NaN", "by": "x\"\n",
    });
    assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), want);
}

#[test]
fn a_line_without_message_and_one_without_fields_are_complete() {
    let both = || {
        debug!(target: "t", event = "a.b");
        debug!(target: "t", "only text");
    };
    let text = lines(Style::Text, both);
    let ends: Vec<&str> = text.lines().map(|line| line.split_once(' ').expect("a time").1).collect();
    assert_eq!(ends, ["DEBUG t: event=\"a.b\"", "DEBUG t: only text"]);
    let json = lines(Style::Json, both);
    assert!(json.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{json}");
}

#[test]
fn every_event_is_one_line_without_controls_of_a_terminal() {
    let forged = "\n2026 INFO t: forged\u{1b}[2J\u{202e}";
    for style in [Style::Text, Style::Json] {
        let line = lines(style, || info!(target: "t", a = forged, b = %forged, c = ?forged, "{forged}"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.trim_end_matches('\n').contains(crate::is_invisible), "{line}");
    }
}

#[test]
fn colours_are_the_only_controls_of_a_terminal() {
    let line = lines(Style::Coloured, || info!(target: "t", a = "\u{1b}[2J", "\u{1b}[2J"));
    let without =
        ["\u{1b}[2m", "\u{1b}[0m", "\u{1b}[32m", "\u{1b}[3m"].iter().fold(line, |line, code| line.replace(code, ""));
    assert_eq!(without, "2026-11-30T10:44:13.000007Z  INFO t: \\u001b[2J a=\"\\u001b[2J\"\n");
}
