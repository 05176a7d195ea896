//! Links of a page: to other pages, to their headings, to files of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every link of a page that leads nowhere.
pub(super) fn broken(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("the page");
    let all = targets(&text).into_iter().filter(|target| !leads(page, target));
    all.map(|target| format!("{}: {target}", page.display())).collect()
}

/// The pages that a page leads to.
pub(super) fn pages(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).expect("the page");
    let files = targets(&text).into_iter().filter_map(|target| file(page, &target));
    files.filter(|file| file.extension().is_some_and(|ending| ending == "md")).collect()
}

fn leads(page: &Path, target: &str) -> bool {
    if target.starts_with("https://") {
        return true;
    }
    let Some(file) = file(page, target) else { return false };
    match target.split_once('#') {
        None => true,
        Some((_, heading)) => headings(&fs::read_to_string(file).expect("a page")).contains(heading),
    }
}

/// The file that a target names, if it is there.
fn file(page: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Some(page.to_owned());
    }
    page.parent()?.join(path).canonicalize().ok()
}

/// What stands in the round brackets of `[...](...)`, outside of blocks and of code in a line.
fn targets(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in prose(text) {
        let line: String = line.split('`').step_by(2).collect();
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            all.push(target.to_owned());
            rest = after;
        }
    }
    all
}

/// Headings as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#'));
    let named = |title: &str| {
        let words = title.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    titles.map(named).collect()
}

fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

#[test]
fn links_are_read_outside_of_blocks() {
    let text = "# What is `it`?\n[a](b.md) and [`c`](d.md#e-f), `Ok[T](value)`\n```sh\n[x](y)\n```\n";
    assert_eq!(targets(text), ["b.md", "d.md#e-f"]);
    assert!(headings(text).contains("what-is-it"));
}
