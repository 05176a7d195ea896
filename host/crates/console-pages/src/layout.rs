//! The frame of every page: navigation, search, who is signed in.

use maud::{DOCTYPE, Markup, html};
use serde::Serialize;

use crate::assets::{HTMX, SCRIPT, STYLE};
use crate::csv::Table;
use crate::{icons, keys, words};

/// Values of the frame.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Path of the page's section, such as `/deliveries`.
    pub section: &'static str,
    /// Name of the person.
    pub who: String,
    /// Their role.
    pub role: &'static str,
    /// Whether they may change something.
    pub may_change: bool,
    /// Whether they may see personal data.
    pub may_reveal: bool,
    /// Current time in milliseconds since 1970.
    pub now_ms: i64,
    /// Milliseconds since the start of the gateway.
    pub uptime_ms: i64,
    /// Version of the gateway.
    pub version: &'static str,
    /// Whether the gateway is ready.
    pub is_ready: bool,
    /// Whether the person sees all tenants, and so also what concerns the whole gateway.
    pub sees_all: bool,
    /// Number of deliveries that are not finished.
    pub deliveries: u64,
    /// Number of plugins that need attention.
    pub plugins: u64,
    /// Number of channels that Front shows as offline.
    pub channels: u64,
    /// Whether other gateways share the database.
    pub has_replicas: bool,
}

/// A page.
pub trait Page {
    /// Returns the title, a sentence that answers the page's question.
    fn title(&self) -> String;

    /// Returns whether an open page is refreshed.
    fn is_live(&self) -> bool {
        false
    }

    /// Returns the content.
    fn content(&self, frame: &Frame) -> Markup;

    /// Returns the JSON twin.
    fn json(&self) -> Vec<u8>;

    /// Returns the rows of a list, with the same masks; `None` if the page is no list.
    fn csv(&self) -> Option<Table> {
        None
    }
}

/// Returns the JSON twin of a view.
///
/// # Panics
///
/// Panics if the view has a map whose keys are no texts.
pub fn json(view: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(view).expect("a view has no map keys that are no text")
}

/// The sections, with the number that the navigation shows.
const SECTIONS: [(&str, &str); 10] = [
    ("/", "Overview"),
    ("/live", "Live"),
    ("/conversations", "Conversations"),
    ("/deliveries", "Deliveries"),
    ("/channels", "Channels"),
    ("/plugins", "Plugins"),
    ("/simulator", "Simulator"),
    ("/setup", "Setup"),
    ("/replicas", "Replicas"),
    ("/audit", "Audit"),
];

/// The sections that concern the whole gateway.
const WHOLE: [&str; 3] = ["/plugins", "/replicas", "/audit"];

/// Settings of htmx: answers with an error are not shown in the page, no style sheet of its own, nothing that needs `eval`, and no copies of pages in the browser's storage.
const HTMX_CONFIG: &str =
    r#"{"includeIndicatorCSS":false,"history":false,"defaultTimeout":15000,"noSwap":[204,304,"4xx","5xx"]}"#;

/// Returns the whole document of a page.
pub fn document(frame: &Frame, page: &dyn Page) -> String {
    let title = page.title();
    let is_live = page.is_live();
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title))
            body {
                a .skip href="#main" { "Skip to content" }
                (navigation(frame))
                div .column {
                    (top(frame, is_live))
                    main id="main" tabindex="-1" data-live[is_live] hx-get="" hx-trigger="refresh" hx-select="#main"
                        hx-swap="outerMorph" {
                        div .title { h1 { (title) } }
                        (page.content(frame))
                    }
                    p id="notice" role="status" aria-live="polite" hidden {}
                }
                (keys::row_bar())
                (keys::list(sections(frame)))
                (keys::palette(sections(frame)))
            }
        }
    }
    .into_string()
}

/// Returns a document without navigation, for people who are not signed in.
pub fn bare_document(title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body .bare {
                main id="main" {
                    p .brand { (icons::gate()) span { "Frontgate" } }
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
    .into_string()
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="htmx-config" content=(HTMX_CONFIG);
            title { (title) " · Frontgate" }
            link rel="icon" href="data:,";
            link rel="stylesheet" href=(STYLE.path);
            script src=(HTMX.path) defer {}
            script src=(SCRIPT.path) type="module" {}
        }
    }
}

fn navigation(frame: &Frame) -> Markup {
    let badge = |path: &str| match path {
        "/deliveries" => frame.deliveries,
        "/plugins" => frame.plugins,
        "/channels" => frame.channels,
        _ => 0,
    };
    html! {
        nav .rail aria-label="Console" {
            p .brand { (icons::gate()) span { "Frontgate" } }
            @for (path, name) in sections(frame) {
                a href=(path) aria-current=[(path == frame.section).then_some("page")] {
                    (icons::of(path)) (name)
                    @if badge(path) > 0 { b { (words::number(badge(path))) } }
                }
            }
            p .foot {
                "Version " (frame.version) ", up " (words::duration(frame.uptime_ms)) br;
                @if frame.is_ready { "Ready" } @else { b .bad { "Not ready" } }
            }
        }
    }
}

/// Returns the sections that the person sees.
fn sections(frame: &Frame) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_seen = |path: &str| match path {
        "/replicas" => frame.sees_all && frame.has_replicas,
        _ => frame.sees_all || !WHOLE.contains(&path),
    };
    SECTIONS.into_iter().filter(move |(path, _)| is_seen(path))
}

fn top(frame: &Frame, is_live: bool) -> Markup {
    html! {
        header .top {
            form .search action="/find" method="get" role="search" {
                label .hidden for="find" { "Find an id" }
                input id="find" name="q" type="search" autocomplete="off" placeholder="A SID, a delivery, a request id, a number";
                kbd { "/" }
            }
            span .push {}
            (keys::buttons())
            @if is_live {
                button .pill type="button" data-pause { span .dot {} span data-pause-text { "Live" } }
            }
            span .pill { "Personal data masked" }
            span .pill { bdi { (frame.who) } " · " (frame.role) }
            form action="/leave" method="post" data-change {
                button .link type="submit" { "Sign out" }
            }
        }
    }
}
