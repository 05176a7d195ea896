//! Shows one round on the terminal: build, call, answer, changes of the answer, log and cost.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use frontgate_plugin_test::project::Project;
use frontgate_telemetry::capture::Line;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::build::Built;

/// Assumed number of lines if the terminal's height is unknown.
const ROWS: usize = 50;
/// Minimum number of lines for each part.
const PART_ROWS_MIN: usize = 6;
/// Maximum number of log lines to show.
const LOG_ROWS_MAX: usize = 12;

/// Results of one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Result of the build, if one ran.
    built: Option<String>,
    /// Failure that prevented the call.
    pub(super) fault: Option<String>,
    /// The gateway's receipts for the new file, one line each.
    pub(super) swapped: Vec<String>,
    pub(super) asked: Option<String>,
    pub(super) problems: Vec<String>,
    pub(super) answer: Option<Value>,
    pub(super) receipts: Vec<String>,
    pub(super) log: Vec<Line>,
    pub(super) hint: Option<String>,
}

impl Round {
    pub(super) fn of_build(built: &Built) -> Self {
        let seconds = built.took.as_secs_f32();
        match &built.failure {
            Some(lines) => Self { fault: Some(lines.join("\n")), ..Self::default() },
            None => {
                let built = format!("built in {seconds:.1} s, {} KiB", built.kib());
                Self { built: Some(built), ..Self::default() }
            }
        }
    }

    pub(super) fn fault(text: String) -> Self {
        Self { fault: Some(text), ..Self::default() }
    }

    /// Adds a log line or a receipt.
    pub(super) fn note(&mut self, line: Line) {
        match line.receipt() {
            Some(receipt) => self.receipts.push(receipt.to_owned()),
            None => self.log.push(line),
        }
    }
}

/// Output to the terminal.
pub(super) struct Screen {
    title: String,
    rounds: usize,
    /// Previous call and its answer.
    before: Option<(String, String)>,
    /// Path of the file with the complete last answer.
    answers: PathBuf,
}

impl Screen {
    pub(super) fn new(project: &Project) -> anyhow::Result<Self> {
        let title = project.name()?.to_owned();
        let answers = project.folder.join(".frontgate/answer.json");
        Ok(Self { title, rounds: 0, before: None, answers })
    }

    /// Adds the address that accepts callbacks to the title.
    pub(super) fn listens(&mut self, address: SocketAddr, config: &Path) {
        // The configuration of an ephemeral gateway is in the project.
        let is_ephemeral = config.ends_with(".frontgate/config.toml");
        let shown = if is_ephemeral { ".frontgate/config.toml".to_owned() } else { config.display().to_string() };
        self.title += &format!(" · http://{address} · {shown}");
    }

    pub(super) fn building(&self) {
        print("building …\n");
    }

    /// Prints that the gateway is loading the new file, which takes a while for a large one.
    pub(super) fn loading(&self, built: &Built) {
        print(&format!("built in {:.1} s; loading …\n", built.took.as_secs_f32()));
    }

    /// Shows a round, and clears the previous one.
    pub(super) fn show(&mut self, round: &Round) {
        self.rounds += 1;
        let clear = if std::io::stdout().is_terminal() { "\x1b[2J\x1b[3J\x1b[H" } else { "" };
        let text = self.text(round);
        print(&format!("{clear}{text}"));
    }

    fn text(&mut self, round: &Round) -> String {
        let mut out = format!("{} · round {}\n\n", self.title, self.rounds);
        let mut line = |text: &str| out.extend([text, "\n"]);
        round.built.iter().for_each(|built| line(&format!("✓ {built}")));
        round.swapped.iter().for_each(|swapped| line(&format!("✓ {swapped}")));
        round.fault.iter().for_each(|fault| line(&format!("✗ {fault}")));
        if round.built.is_some() || round.fault.is_some() {
            line("");
        }
        round.asked.iter().for_each(|asked| line(asked));
        round.problems.iter().for_each(|problem| line(&format!("  {problem}")));
        if let Some(answer) = &round.answer {
            let answer = match answer {
                Value::String(text) => text.clone(),
                json => format!("{json:#}"),
            };
            self.answer(&answer, round.asked.as_deref().unwrap_or_default(), &mut out);
        }
        if !round.log.is_empty() {
            out.push_str("\nlog\n");
            let skipped = round.log.len().saturating_sub(LOG_ROWS_MAX);
            if skipped > 0 {
                let _ = writeln!(out, "  … {skipped} earlier lines");
            }
            for Line { level, text } in &round.log[skipped..] {
                let _ = writeln!(out, "  {level}: {text}");
            }
        }
        for receipt in &round.receipts {
            let _ = writeln!(out, "\nreceipt\n  {receipt}");
        }
        if let Some(hint) = &round.hint {
            let _ = writeln!(out, "\n{hint}");
        }
        out.push_str("\nEnter: repeat · NAME: run case NAME · c: repeat the last callback · q: quit\n");
        out
    }

    /// Adds the answer, and the difference to the previous answer of the same call.
    fn answer(&mut self, answer: &str, asked: &str, out: &mut String) {
        // A failed write is ignored: the screen still shows as much as fits.
        let _ = std::fs::write(&self.answers, answer);
        let room = rows().saturating_sub(out.lines().count() + LOG_ROWS_MAX).max(2 * PART_ROWS_MIN);
        let call = asked.split(['→', '(']).next().unwrap_or_default();
        let call = call.rsplit_once(" in ").map_or(call, |(call, _)| call).trim_start_matches(['✓', '✗', ' ']);
        let difference = match &self.before {
            Some((before, text)) if before == call => Some(difference(text, answer)),
            _ => None,
        };
        let shared = if difference.is_some() { room / 2 } else { room };
        out.push_str("\nanswer\n");
        part(answer.lines().map(|line| format!("  {line}")).collect(), shared, out);
        match difference {
            Some(lines) if lines.is_empty() => out.push_str("\nsame answer as before\n"),
            Some(lines) => {
                out.push_str("\nchanges since the previous answer\n");
                part(lines, room - shared, out);
            }
            None => {}
        }
        self.before = Some((call.to_owned(), answer.to_owned()));
    }
}

/// Returns removed and added lines, with one line of context.
fn difference(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        if !lines.is_empty() {
            lines.push("  …".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign} {}", change.value().trim_end()));
        }
    }
    lines
}

/// Adds as many lines as fit into `rows`.
fn part(lines: Vec<String>, rows: usize, out: &mut String) {
    let shown = if lines.len() <= rows { lines.len() } else { rows.saturating_sub(1) };
    for line in &lines[..shown] {
        let _ = writeln!(out, "{line}");
    }
    if shown < lines.len() {
        let _ = writeln!(out, "  … {} more lines; the whole answer is in .frontgate/answer.json", lines.len() - shown);
    }
}

fn rows() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_row > 0 => size.ws_row.into(),
        _ => ROWS,
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Write errors are ignored, because the terminal may be closed.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
