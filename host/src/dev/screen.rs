//! One round on one screen: what was built, what was asked, what came back and how it differs, and what it cost.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use frontgate_plugin_test::project::Project;
use frontgate_telemetry::capture::Line;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::build::Built;

/// Lines of a screen whose height is unknown.
const ROWS: usize = 50;
/// Lines that each part has at least.
const PART_ROWS_MIN: usize = 6;
/// Lines of the log that are shown.
const LOG_ROWS_MAX: usize = 12;

/// What came of one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// How the build went, if there was one.
    built: Option<String>,
    /// What went wrong before anything was asked.
    pub(super) fault: Option<String>,
    /// What the gateway said of the new file.
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

    /// A line of the log, or a receipt.
    pub(super) fn note(&mut self, line: Line) {
        match line.receipt() {
            Some(receipt) => self.receipts.push(receipt.to_owned()),
            None => self.log.push(line),
        }
    }
}

/// Where rounds are shown.
pub(super) struct Screen {
    title: String,
    rounds: usize,
    /// The answer before, with what was asked.
    before: Option<(String, String)>,
    /// Where whole answers are.
    answers: PathBuf,
}

impl Screen {
    pub(super) fn new(project: &Project) -> anyhow::Result<Self> {
        let title = project.name()?.to_owned();
        let answers = project.folder.join(".frontgate/answer.json");
        Ok(Self { title, rounds: 0, before: None, answers })
    }

    /// Callbacks are accepted there.
    pub(super) fn listens(&mut self, address: SocketAddr, config: &Path) {
        // What was made lies in the project.
        let made = config.ends_with(".frontgate/config.toml");
        let shown = if made { ".frontgate/config.toml".to_owned() } else { config.display().to_string() };
        self.title += &format!(" · http://{address} · {shown}");
    }

    pub(super) fn building(&self) {
        print("building …\n");
    }

    /// A large file takes the gateway longer than its author.
    pub(super) fn taking(&self, built: &Built) {
        print(&format!("built in {:.1} s; the gateway takes it …\n", built.took.as_secs_f32()));
    }

    /// Shows a round in the place of the one before.
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
                let _ = writeln!(out, "  … {skipped} lines before");
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
        out.push_str("\nEnter asks again · a case's name asks that case · c asks the last callback · q ends\n");
        out
    }

    /// The answer, and how it differs from the one before to the same question.
    fn answer(&mut self, answer: &str, asked: &str, out: &mut String) {
        // Whoever cannot write it shows what fits.
        let _ = std::fs::write(&self.answers, answer);
        let room = rows().saturating_sub(out.lines().count() + LOG_ROWS_MAX).max(2 * PART_ROWS_MIN);
        let question = asked.split(['→', '(']).next().unwrap_or_default();
        let question =
            question.rsplit_once(" in ").map_or(question, |(question, _)| question).trim_start_matches(['✓', '✗', ' ']);
        let difference = match &self.before {
            Some((before, text)) if before == question => difference(text, answer),
            _ => None,
        };
        let shared = if difference.is_some() { room / 2 } else { room };
        out.push_str("\nanswer\n");
        part(answer.lines().map(|line| format!("  {line}")).collect(), shared, out);
        match difference {
            Some(lines) if lines.is_empty() => out.push_str("\nthe same answer as before\n"),
            Some(lines) => {
                out.push_str("\ndifference to the answer before\n");
                part(lines, room - shared, out);
            }
            None => {}
        }
        self.before = Some((question.to_owned(), answer.to_owned()));
    }
}

/// Lines that were taken out and put in, each with a few around it; none to compare with nothing.
fn difference(before: &str, after: &str) -> Option<Vec<String>> {
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
    Some(lines)
}

/// As many lines as there is room for.
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
    // A reader that has gone sees nothing more.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
