//! The pages for plugin authors: what they say is done, in their order, and comes out as they say.
//!
//! The fence of a block says what becomes of it:
//!
//! | fence | what becomes of the block |
//! |---|---|
//! | `sh` | run with `bash -euo pipefail` where the block before ended; `sh fails` has to fail |
//! | `sh background` | goes on until the page ends; the page waits until it is ready |
//! | `output`, `output background` | stands in what the last block, or what goes on, has written; `…` is anything |
//! | a language and a file's name | written to that file, which the line before the block names: `**src/crm.rs**` |
//! | `json`, `toml` | can be read |
//! | `wit` | stands in `wit/` |
//! | `text` | a picture |
//! | anything, and `not-run` | nothing; the page says so |

mod background;
mod block;
mod desk;
mod links;
mod output;
mod security;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::root;

use self::block::{Block, Kind};
use self::desk::Desk;

/// What a page says that has commands in it which no test runs.
const NOT_RUN: &str = "No test of ours runs the commands";

/// A test for each page, so that one that fails is named, and several are tried at a time.
macro_rules! pages {
    ($($test:ident: $page:literal,)+) => {
        const TESTED: &[&str] = &[$($page),+];

        $(#[test]
        fn $test() {
            follow($page);
        })+
    };
}

pages! {
    the_first_page_tells_what_there_is: "README.md",
    a_first_plugin_comes_about_as_the_page_says: "1-first-plugin.md",
    roles_are_as_the_page_says: "2-roles.md",
    the_role_crm_is_as_its_page_says: "roles/crm.md",
    the_role_templates_is_as_its_page_says: "roles/templates.md",
    the_role_outgoing_is_as_its_page_says: "roles/outgoing.md",
    the_role_routing_is_as_its_page_says: "roles/routing.md",
    the_role_conversations_is_as_its_page_says: "roles/conversations.md",
    the_role_channel_is_as_its_page_says: "roles/channel.md",
    capabilities_are_as_the_page_says: "3-capabilities.md",
    plugins_are_tested_as_the_page_says: "4-testing.md",
    languages_are_as_the_page_says: "5-languages.md",
    rust_is_as_its_page_says: "languages/rust.md",
    javascript_is_as_its_page_says: "languages/javascript.md",
    typescript_is_as_its_page_says: "languages/typescript.md",
    python_is_as_its_page_says: "languages/python.md",
    c_is_as_its_page_says: "languages/c.md",
    go_is_as_its_page_says: "languages/go.md",
    other_languages_are_as_their_page_says: "languages/others.md",
    a_plugin_is_published_as_the_page_says: "6-publishing.md",
    the_configuration_is_as_its_page_says: "operate/configuration.md",
}

/// Does what a page says.
fn follow(page: &str) {
    let text = fs::read_to_string(folder().join(page)).expect("the page");
    let blocks = Block::all(page, &text);
    if blocks.iter().any(|block| block.kind == Kind::NotRun) {
        assert!(text.contains(NOT_RUN), "{page} has blocks that are not run, and does not say `{NOT_RUN}`");
    }
    let mut desk = Desk::new(page);
    for block in &blocks {
        desk.work(block);
    }
}

fn folder() -> PathBuf {
    root().join("docs")
}

/// Every page, by its path in the folder.
fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => drop(pages.insert(name(&path))),
            }
        }
    }
    pages
}

fn name(path: &Path) -> String {
    path.strip_prefix(folder()).expect("below docs/").to_string_lossy().into_owned()
}

#[test]
fn every_page_is_tried() {
    assert_eq!(pages(), TESTED.iter().map(|page| (*page).to_owned()).collect());
}

#[test]
fn every_link_leads_somewhere() {
    let pages: Vec<PathBuf> = pages().iter().map(|page| folder().join(page)).collect();
    let above = ["README.md", "ARCHITECTURE.md", "SECURITY.md"].map(|page| root().join(page));
    let broken: Vec<String> = pages.iter().chain(&above).flat_map(|page| links::broken(page)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_led_to() {
    let mut reached = BTreeSet::from(["README.md".to_owned()]);
    let mut next = vec![folder().join("README.md")];
    while let Some(page) = next.pop() {
        for target in links::pages(&page) {
            if target.starts_with(folder()) && reached.insert(name(&target)) {
                next.push(target);
            }
        }
    }
    assert_eq!(reached, pages());
}
