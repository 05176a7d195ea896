//! Compares the answers of fresh and of used instances, and marks plugins whose answers are the same.
//!
//! Each round has an instance of its own. In it every case runs twice, in two shuffled orders, so that each case follows
//! others and itself. The comparison ignores parts in which two fresh instances differ, such as times and random ids.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use frontgate_contract::digest::Digest;
use frontgate_contract::mark;
use serde_json::{Value, json};

use super::cases::{self, Case, Run};
use super::check_result::{CheckResult, Outcome, Recorder};
use super::difference::{Extent, differences};
use super::fixtures::InstanceKind;
use super::harness::Harness;
use super::wit_json::shown;
use super::{conformance, report};

/// The name of this group of checks in reports.
pub(super) const GROUP: &str = "reused instances";
/// Number of instances in which all cases run.
const ROUNDS: usize = 2;
/// Number of times that each case runs in one instance.
const PASSES: usize = 2;
/// Maximum number of cases that differ, and of earlier cases, that the report lists.
const SHOWN_MAX: usize = 5;

/// Outcome of the comparison for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The file has the mark.
    Yes,
    /// The file lost its mark, or got none.
    No,
}

/// Runs the comparison of a plugin that says it is reusable. `first` are the results of the other checks.
pub(super) async fn check(
    harness: &Harness,
    first: &[CheckResult],
    seed: Option<u64>,
) -> anyhow::Result<Vec<CheckResult>> {
    let seed = seed.unwrap_or_else(seed_of_now);
    let record = Recorder::begin();
    let all = cases::all(harness)?;
    let outcome = match (compare(harness, &all, seed).await?, uncovered(harness, &all)) {
        (Outcome::Passed | Outcome::Skipped(_), Some(role)) => {
            Outcome::Skipped(format!("no case calls the role {role}, so nothing is known about its reuse"))
        }
        (outcome, _) => outcome,
    };
    let cases = record.end(GROUP, "each case is answered as in a fresh instance", outcome);
    let record = Recorder::begin();
    let outcome = keeps_contract(first, conformance::check(harness, InstanceKind::Used).await);
    Ok(vec![cases, record.end(GROUP, "the contract is kept as in a fresh instance", outcome)])
}

/// Writes or removes the mark in the plugin's file, which must be the tested one.
pub(super) fn mark(harness: &Harness, all: &[CheckResult]) -> anyhow::Result<Marked> {
    let path = &harness.project.file;
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    ensure!(Digest::of(&bytes) == harness.live.digest, "{} changed during the test", path.display());
    let is_proven = report::Count::of(all).failed == 0
        && all.iter().filter(|checked| checked.group == GROUP).all(|checked| checked.outcome == Outcome::Passed);
    let (wanted, marked) = match is_proven {
        true => (mark::marked(&bytes), Marked::Yes),
        false => (mark::unmarked(&bytes).to_vec(), Marked::No),
    };
    if wanted != bytes {
        replace(path, &wanted).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(marked)
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes)?;
    fs::set_permissions(&unfinished, fs::metadata(path)?.permissions())?;
    fs::rename(&unfinished, path)
}

/// Returns a role of the plugin that no case calls.
fn uncovered(harness: &Harness, all: &[(String, Case)]) -> Option<&'static str> {
    let mut roles = harness.live.roles().into_iter().map(|role| role.name());
    roles.find(|role| !all.iter().any(|(_, case)| case.role() == *role))
}

/// Fails with the checks that pass in fresh instances only.
fn keeps_contract(first: &[CheckResult], second: Vec<CheckResult>) -> Outcome {
    let passed = |checked: &&CheckResult| {
        first.iter().any(|earlier| {
            (&earlier.group, &earlier.name) == (&checked.group, &checked.name) && earlier.outcome == Outcome::Passed
        })
    };
    let mut problems = Vec::new();
    for checked in second.iter().filter(passed) {
        if let Outcome::Failed(why) = &checked.outcome {
            problems.push(format!(
                "{}: \"{}\" fails in a used instance: {}",
                checked.group,
                checked.name,
                why.join("; ")
            ));
        }
    }
    if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) }
}

async fn compare(harness: &Harness, all: &[(String, Case)], seed: u64) -> anyhow::Result<Outcome> {
    let mut fresh = Vec::new();
    for (name, case) in all {
        let run = case.run(harness, &tenant(0), InstanceKind::Fresh).await;
        fresh.push(summary(&run.with_context(|| name.clone())?));
    }
    let (mut shuffle, mut reused, mut problems) = (Shuffle(seed), 0, Vec::new());
    for round in 1..=ROUNDS {
        let (tenant, mut order) = (tenant(round), Vec::new());
        for _ in 0..PASSES {
            order.extend(shuffle.order(all.len()));
        }
        for (place, index) in order.iter().enumerate() {
            let (name, case) = &all[*index];
            let run = case.run(harness, &tenant, InstanceKind::Used).await?;
            let cost = run.call.receipt.as_ref().and_then(|receipt| receipt.cost.as_ref());
            reused += usize::from(cost.is_some_and(|cost| cost.is_reused));
            let (mut expected, mut found) = (fresh[*index].clone(), summary(&run));
            if expected == found {
                continue;
            }
            let again = summary(&case.run(harness, &self::tenant(0), InstanceKind::Fresh).await?);
            blank(&mut expected, &again, &mut found);
            if expected != found {
                let earlier = order[..place].iter().map(|index| all[*index].0.as_str()).collect::<Vec<_>>();
                problems.extend(difference(name, &earlier, &expected, &found));
                if problems.len() >= SHOWN_MAX * 2 {
                    break;
                }
            }
        }
    }
    if !problems.is_empty() {
        problems.push(format!(
            "the plugin remembers something between calls: a static, a global variable or a cache; keep it in `state`, \
             or remove `reusable` from plugin.toml. Repeat this order with --seed {seed}"
        ));
        return Ok(Outcome::Failed(problems));
    }
    Ok(match reused {
        0 => Outcome::Skipped("no instance could be reused: its memory grows too much, or it keeps handles".to_owned()),
        _ => Outcome::Passed,
    })
}

fn tenant(round: usize) -> Arc<str> {
    format!("reuse/{round}").into()
}

/// Describes what differs, with both answers.
fn difference(case: &str, earlier: &[&str], fresh: &Value, used: &Value) -> Vec<String> {
    let first = earlier.len().saturating_sub(SHOWN_MAX);
    let more = if first > 0 { format!("{first} others, ") } else { String::new() };
    let places = differences(fresh, used, Extent::Whole).join("; ");
    vec![
        format!("`{case}` after {more}{}: {places}", earlier[first..].join(", ")),
        format!("    fresh instance: {}", shown(fresh)),
        format!("    used instance:  {}", shown(used)),
    ]
}

/// Returns everything that a call does, as JSON. Requests are sorted, since concurrent ones arrive in any order.
fn summary(run: &Run) -> Value {
    let answer = match &run.call.result {
        Ok(answer) => answer.clone(),
        Err(error) => json!({ "ended": error.to_string() }),
    };
    let mut requests: Vec<String> =
        run.observed.requests.iter().map(|request| format!("{} {}", request.method, request.url)).collect();
    requests.sort_unstable();
    let mut parts = json!({ "answer": answer });
    for (name, value) in [
        ("actions", json!(run.call.actions)),
        ("requests", json!(requests)),
        ("unexpected", json!(run.observed.problems)),
    ] {
        if value != json!([]) {
            parts[name] = value;
        }
    }
    parts
}

/// Blanks the parts of two values in which `again` differs from `first`.
fn blank(first: &mut Value, again: &Value, other: &mut Value) {
    match (first, again, other) {
        (Value::Object(first), Value::Object(again), Value::Object(other)) => {
            for (name, first) in first {
                match (again.get(name), other.get_mut(name)) {
                    (Some(again), Some(other)) => blank(first, again, other),
                    (None, Some(other)) => (*first, *other) = (Value::Null, Value::Null),
                    (_, None) => {}
                }
            }
        }
        (Value::Array(first), Value::Array(again), Value::Array(other))
            if first.len() == again.len() && first.len() == other.len() =>
        {
            for ((first, again), other) in first.iter_mut().zip(again).zip(other) {
                blank(first, again, other);
            }
        }
        (first, again, other) if *first != *again => (*first, *other) = (Value::Null, Value::Null),
        _ => {}
    }
}

/// A generator of orders that depend on the seed only (SplitMix64).
struct Shuffle(u64);

impl Shuffle {
    /// Returns the numbers below `count` in a random order.
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % count as u64).unwrap_or_default()
    }
}

fn seed_of_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_depends_on_the_seed_only() {
        let orders = |seed| {
            let mut shuffle = Shuffle(seed);
            [shuffle.order(20), shuffle.order(20)]
        };
        assert_eq!(orders(7), orders(7));
        assert_ne!(orders(7), orders(8));
        let [first, second] = orders(7);
        assert_ne!(first, second);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn parts_that_differ_between_fresh_instances_are_ignored() {
        let fresh = json!({ "answer": { "id": "a", "name": "Mora", "lines": [1, 2] } });
        let again = json!({ "answer": { "id": "b", "name": "Mora", "lines": [1, 3] } });
        let (mut first, mut used) =
            (fresh.clone(), json!({ "answer": { "id": "c", "name": "Mora", "lines": [1, 4] } }));
        blank(&mut first, &again, &mut used);
        assert_eq!(first, used);
        let (mut first, mut used) = (fresh, json!({ "answer": { "id": "c", "name": "Otto", "lines": [1, 4] } }));
        blank(&mut first, &again, &mut used);
        assert_ne!(first, used);
    }
}
