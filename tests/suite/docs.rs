//! Tests the pages for plugin authors: executes every command and block in order, and compares the results.
//!
//! The fence of a block determines how it is tested:
//!
//! | fence | test |
//! |---|---|
//! | `sh` | run with `bash -euo pipefail` in the directory where the previous block ended; `sh fails` must fail |
//! | `sh background` | runs until the page ends, or another gateway starts; the test waits until it is ready |
//! | `output`, `output background` | occurs in the output of the last block or of the background program; `…` matches anything |
//! | a language and a file name | written to that file, which the line before the block names: `**src/crm.rs**` |
//! | `json`, `toml` | parses |
//! | `wit` | occurs in `wit/` |
//! | `text` | a diagram, not tested |
//! | any, with `not-run` | not tested; the page has to say so |

mod background;
mod block;
mod errors;
mod events;
mod links;
mod output;
mod reader;
mod security;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::root;

use self::block::{Block, Kind};
use self::reader::Reader;

/// The words that a page must contain if it has commands that no test runs.
const NOT_RUN: &str = "are not covered by tests";

/// Defines one test per page: a failing page is named, and pages are tested in parallel.
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
    the_readme_is_correct: "README.md",
    the_first_plugin_tutorial_works: "1-first-plugin.md",
    the_roles_page_is_correct: "2-roles.md",
    the_crm_page_is_correct: "roles/crm.md",
    the_templates_page_is_correct: "roles/templates.md",
    the_outgoing_page_is_correct: "roles/outgoing.md",
    the_routing_page_is_correct: "roles/routing.md",
    the_conversations_page_is_correct: "roles/conversations.md",
    the_channel_page_is_correct: "roles/channel.md",
    the_calls_page_is_correct: "roles/calls.md",
    the_channel_login_page_is_correct: "roles/channel-login.md",
    the_crm_source_page_is_correct: "roles/crm-source.md",
    the_capabilities_page_is_correct: "3-capabilities.md",
    the_testing_page_is_correct: "4-testing.md",
    the_languages_page_is_correct: "5-languages.md",
    the_rust_page_is_correct: "languages/rust.md",
    the_javascript_page_is_correct: "languages/javascript.md",
    the_typescript_page_is_correct: "languages/typescript.md",
    the_python_page_is_correct: "languages/python.md",
    the_c_page_is_correct: "languages/c.md",
    the_go_page_is_correct: "languages/go.md",
    the_page_about_other_languages_is_correct: "languages/others.md",
    the_publishing_page_is_correct: "6-publishing.md",
    the_errors_page_is_correct: "operate/errors.md",
    the_events_page_is_correct: "operate/events.md",
    the_metrics_page_is_correct: "operate/metrics.md",
    the_configuration_reference_is_correct: "operate/configuration.md",
    the_operators_index_is_correct: "operate/README.md",
    the_configuration_guide_is_correct: "operate/configure.md",
    the_twilio_guide_is_correct: "operate/twilio.md",
    the_front_guide_is_correct: "operate/front.md",
    the_echo_channel_guide_is_correct: "operate/echo-channel.md",
    the_twilio_channel_guide_is_correct: "operate/twilio-channel.md",
    the_guide_to_front_apps_with_oauth_is_correct: "operate/front-oauth.md",
    the_guide_to_plugins_is_correct: "operate/plugins.md",
    the_page_of_shipped_plugins_is_correct: "operate/shipped-plugins.md",
    the_salesforce_guide_is_correct: "operate/salesforce.md",
    the_whatsapp_guide_is_correct: "operate/whatsapp.md",
    the_guide_to_the_customer_index_is_correct: "operate/customers.md",
    the_guide_to_crms_with_a_rest_api_is_correct: "operate/rest.md",
    the_guide_to_deliveries_is_correct: "operate/deliveries.md",
    the_guide_to_the_console_is_correct: "operate/console.md",
    the_guide_to_monitoring_is_correct: "operate/monitor.md",
    the_page_of_failures_is_correct: "operate/failures.md",
    the_guide_to_replicas_is_correct: "operate/replicas.md",
    the_guide_to_tls_and_proxies_is_correct: "operate/tls-and-proxies.md",
}

/// Executes the blocks of a page from top to bottom.
fn follow(page: &str) {
    let text = fs::read_to_string(folder().join(page)).expect("the page");
    let blocks = Block::all(page, &text);
    if blocks.iter().any(|block| block.kind == Kind::NotRun) {
        assert!(text.contains(NOT_RUN), "{page} has blocks that are not run, and does not say `{NOT_RUN}`");
    }
    let mut reader = Reader::new(page);
    for block in &blocks {
        reader.follow(block);
    }
}

fn folder() -> PathBuf {
    root().join("docs")
}

/// Returns the paths of all pages, relative to `docs/`.
fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            // Pictures are no pages.
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.insert(name(&path));
            }
        }
    }
    pages
}

fn name(path: &Path) -> String {
    path.strip_prefix(folder()).expect("below docs/").to_string_lossy().into_owned()
}

#[test]
fn every_page_has_a_test() {
    assert_eq!(pages(), TESTED.iter().map(|page| (*page).to_owned()).collect());
}

#[test]
fn every_link_has_a_target() {
    let pages: Vec<PathBuf> = pages().iter().map(|page| folder().join(page)).collect();
    let above = ["README.md", "ARCHITECTURE.md", "SECURITY.md"].map(|page| root().join(page));
    let broken: Vec<String> = pages.iter().chain(&above).flat_map(|page| links::broken(page)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_reachable_from_the_readme() {
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
