//! Formats check results as text, JUnit XML or JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::check_result::{CheckResult, Outcome};
use super::{cases, reuse};

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for a terminal.
    Text,
    /// JUnit XML, for CI systems.
    Junit,
    /// JSON, for programs.
    Json,
}

/// Numbers of checks by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Number of checks that passed.
    pub passed: usize,
    /// Number of checks that failed.
    pub failed: usize,
    /// Number of checks that did not apply.
    pub skipped: usize,
}

impl Count {
    /// Counts the results by outcome.
    pub fn of(all: &[CheckResult]) -> Self {
        let count = |kind: fn(&Outcome) -> bool| all.iter().filter(|checked| kind(&checked.outcome)).count();
        Self {
            passed: count(|outcome| matches!(outcome, Outcome::Passed)),
            failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
            skipped: count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        }
    }
}

/// Formats the report on a plugin.
pub fn write(plugin: &str, all: &[CheckResult], format: Format) -> String {
    match format {
        Format::Text => text(plugin, all),
        Format::Junit => junit(plugin, all),
        Format::Json => json(plugin, all),
    }
}

fn text(plugin: &str, all: &[CheckResult]) -> String {
    let mut out = String::new();
    let mut group = "";
    for checked in all {
        if checked.group != group {
            group = &checked.group;
            let title = match group {
                cases::GROUP | reuse::GROUP => group.to_owned(),
                role => format!("contract of {role}"),
            };
            let _ = writeln!(out, "{}{title}", if out.is_empty() { "" } else { "\n" });
        }
        match &checked.outcome {
            Outcome::Passed => {
                let _ = writeln!(out, "  ✓ {}", checked.name);
            }
            Outcome::Skipped(why) => {
                let _ = writeln!(out, "  - {}\n      skipped: {why}", checked.name);
            }
            Outcome::Failed(why) => {
                let _ = writeln!(out, "  ✗ {}", checked.name);
                for why in why {
                    let _ = writeln!(out, "      {why}");
                }
                for line in &checked.log {
                    let _ = writeln!(out, "      log, {}: {}", line.level, line.text);
                }
            }
        }
    }
    let Count { passed, failed, skipped } = Count::of(all);
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let _ = write!(out, "\n{plugin}: {passed} passed, {failed} failed{skipped}");
    out
}

fn json(plugin: &str, all: &[CheckResult]) -> String {
    #[derive(Serialize)]
    struct Report<'r> {
        plugin: &'r str,
        #[serde(flatten)]
        count: Count,
        checks: &'r [CheckResult],
    }
    let report = Report { plugin, count: Count::of(all), checks: all };
    serde_json::to_string_pretty(&report).expect("texts and numbers are JSON")
}

fn junit(plugin: &str, all: &[CheckResult]) -> String {
    let Count { failed, skipped, .. } = Count::of(all);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = escaped(plugin);
    let tests = all.len();
    let _ = writeln!(out, "<testsuites>");
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\">"
    );
    for checked in all {
        let (group, name, took) = (escaped(&checked.group), escaped(&checked.name), checked.took.as_secs_f64());
        let _ = write!(out, "    <testcase classname=\"{group}\" name=\"{name}\" time=\"{took:.3}\"");
        let _ = match &checked.outcome {
            Outcome::Passed => writeln!(out, "/>"),
            Outcome::Skipped(why) => writeln!(out, "><skipped message=\"{}\"/></testcase>", escaped(why)),
            Outcome::Failed(why) => {
                let log: Vec<_> =
                    checked.log.iter().map(|line| format!("log, {}: {}", line.level, line.text)).collect();
                let all = [why.join("\n"), log.join("\n")].join("\n");
                let first = why.first().map(String::as_str).unwrap_or_default();
                writeln!(
                    out,
                    "><failure message=\"{}\">{}</failure></testcase>",
                    escaped(first),
                    escaped(all.trim_end())
                )
            }
        };
    }
    out.push_str("  </testsuite>\n</testsuites>");
    out
}

/// Escapes text for XML, and replaces control characters that XML does not allow.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
