//! The results of a run: figures with one value per round, and goals.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Goal of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// One figure.
struct Figure {
    part: &'static str,
    name: String,
    unit: &'static str,
    goal: Option<Goal>,
    rounds: Vec<f64>,
}

/// All figures of one run.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    skipped: Vec<String>,
}

/// Values of one part, by server and measure, in the order of the rounds.
#[derive(Default)]
pub(crate) struct Series {
    values: BTreeMap<(String, &'static str), Vec<f64>>,
}

impl Series {
    /// Adds the value of the next round.
    pub(crate) fn push(&mut self, server: impl Into<String>, measure: &'static str, value: f64) {
        self.values.entry((server.into(), measure)).or_default().push(value);
    }

    /// Returns all values; empty if the server was skipped.
    pub(crate) fn get(&self, server: &str, measure: &'static str) -> &[f64] {
        self.values.get(&(server.to_owned(), measure)).map_or(&[], Vec::as_slice)
    }

    /// Returns the ratio of one server's values to another's, for each round.
    pub(crate) fn ratio(&self, measure: &'static str, of: &str, over: &str) -> Vec<f64> {
        self.get(of, measure).iter().zip(self.get(over, measure)).map(|(of, over)| of / over).collect()
    }
}

impl Figure {
    fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
    }

    fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn most(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtMost(most) => self.median() <= most,
            Goal::AtLeast(least) => self.median() >= least,
        })
    }

    fn line(&self) -> String {
        let spread = format!("{} to {}", short(self.least()), short(self.most()));
        let goal = match self.goal {
            Some(Goal::AtMost(most)) => format!("goal: at most {}", short(most)),
            Some(Goal::AtLeast(least)) => format!("goal: at least {}", short(least)),
            None => String::new(),
        };
        let met = match self.is_met() {
            Some(true) => ", met",
            Some(false) => ", MISSED",
            None => "",
        };
        format!("  {:<52} {:>9} {:<9} ({spread})  {goal}{met}", self.name, short(self.median()), self.unit)
            .trim_end()
            .to_owned()
    }

    fn json(&self) -> Value {
        let goal = match self.goal {
            Some(Goal::AtMost(most)) => json!({ "at_most": most }),
            Some(Goal::AtLeast(least)) => json!({ "at_least": least }),
            None => Value::Null,
        };
        json!({
            "part": self.part, "name": self.name, "unit": self.unit, "goal": goal, "met": self.is_met(),
            "median": self.median(), "min": self.least(), "max": self.most(), "rounds": self.rounds,
        })
    }
}

impl Report {
    /// Starts a part.
    pub(crate) fn part(&mut self, name: &'static str, what: &str) -> Part<'_> {
        println!("\n{name}: {what}");
        Part { report: self, name }
    }

    /// Writes all figures to a file.
    pub(crate) fn write(&self, path: &Path, run: &Value) -> anyhow::Result<()> {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        let report = json!({ "run": run, "figures": figures, "skipped": self.skipped });
        Ok(fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?)
    }
}

/// A part of the report that is being written.
pub(crate) struct Part<'r> {
    report: &'r mut Report,
    name: &'static str,
}

impl Part<'_> {
    /// Adds a figure, unless it has no values.
    pub(crate) fn figure(&mut self, name: impl Into<String>, unit: &'static str, rounds: &[f64], goal: Option<Goal>) {
        if rounds.is_empty() {
            return;
        }
        let figure = Figure { part: self.name, name: name.into(), unit, goal, rounds: rounds.to_vec() };
        println!("{}", figure.line());
        self.report.figures.push(figure);
    }

    /// Reports the reason why something was not measured.
    pub(crate) fn skip(&mut self, what: &str, why: impl std::fmt::Display) {
        let sentence = format!("{what} was skipped: {why}");
        println!("  {sentence}");
        self.report.skipped.push(format!("{}: {sentence}", self.name));
    }
}

/// Formats a number with about three digits. The accuracy of the measurements is lower than that.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
