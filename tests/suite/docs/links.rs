//! Checks the links of a page to other pages, to headings and to files of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns all links of a page whose target does not exist.
pub(super) fn broken(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("the page");
    let all = targets(&text).into_iter().filter(|target| !has_target(page, target));
    all.map(|target| format!("{}: {target}", page.display())).collect()
}

/// Returns the pages that a page links to.
pub(super) fn pages(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).expect("the page");
    let files = targets(&text).into_iter().filter_map(|target| file(page, &target));
    files.filter(|file| file.extension().is_some_and(|ending| ending == "md")).collect()
}

fn has_target(page: &Path, target: &str) -> bool {
    if target.starts_with("https://") {
        return true;
    }
    let Some(file) = file(page, target) else { return false };
    match target.split_once('#') {
        None => true,
        Some((_, heading)) => headings(&fs::read_to_string(file).expect("a page")).contains(heading),
    }
}

/// Returns the file that a link names, if the file exists.
fn file(page: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Some(page.to_owned());
    }
    page.parent()?.join(path).canonicalize().ok()
}

/// Returns the targets of links `[...](...)` outside of code blocks and inline code.
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

/// Returns the anchors of a page's headings.
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
fn links_inside_code_blocks_are_ignored() {
    let text = "# What is `it`?\n[a](b.md) and [`c`](d.md#e-f), `Ok[T](value)`\n```sh\n[x](y)\n```\n";
    assert_eq!(targets(text), ["b.md", "d.md#e-f"]);
    assert!(headings(text).contains("what-is-it"));
}
