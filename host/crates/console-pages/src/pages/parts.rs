//! Parts that several pages share.

use maud::{Markup, html};
use serde::Serialize;

use crate::words;

/// A name and a value.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Path of the page about the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Fact {
    /// Creates a fact without a link.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), link: None }
    }

    /// Adds a link.
    #[must_use]
    pub fn linked(mut self, path: impl Into<String>) -> Self {
        self.link = Some(path.into());
        self
    }
}

/// An action of a person.
#[derive(Debug, Clone, Serialize)]
pub struct By {
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The person.
    pub who: String,
    /// The action, in words.
    pub text: String,
    /// The person's reason.
    pub reason: Option<String>,
}

pub(super) fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl {
            @for fact in facts {
                dt { (fact.name) }
                dd {
                    @match &fact.link {
                        Some(path) => a href=(path) { bdi { (fact.value) } },
                        None => bdi { (fact.value) },
                    }
                }
            }
        }
    }
}

/// A state: a sign, a word and a colour.
pub(super) fn state(name: &str) -> Markup {
    html! { span class=(format!("state {name}")) { (name) } }
}

pub(super) fn history(now_ms: i64, actions: &[By]) -> Markup {
    html! {
        @if !actions.is_empty() {
            section .sheet {
                header { h2 { "What people did" } }
                ul .plain {
                    @for action in actions {
                        li {
                            (words::ago(now_ms, action.time_ms)) " "
                            b { bdi { (action.who) } } " " (action.text)
                            @if let Some(reason) = &action.reason { " (" bdi { (reason) } ")" }
                        }
                    }
                }
            }
        }
    }
}

/// A command that does the same as a button.
pub(super) fn command(text: &str) -> Markup {
    html! { p .quiet { "The same by hand: " code { (text) } } }
}

/// A form whose button changes something. Without the script it is disabled, because a change needs the proof that the
/// script sends.
pub(super) fn change(action: &str, label: &str, main: bool, fields: &[(&str, &str)]) -> Markup {
    html! {
        form action=(action) method="post" data-change {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=[main.then_some("main")] type="submit" disabled { (label) }
        }
    }
}

/// A button that copies a text. It appears with the script.
pub(super) fn copy(text: &str, name: &str) -> Markup {
    html! { button .copy type="button" data-copy=(text) aria-label=(format!("Copy {name}")) hidden { "Copy" } }
}

/// A link to the list as CSV.
pub(super) fn download(path: &str) -> Markup {
    html! { p { a .button href=(path) download { "Download CSV" } } }
}

/// A link to the next page of a list.
pub(super) fn next(link: Option<&str>, label: &str) -> Markup {
    html! { @if let Some(link) = link { p { a .button href=(link) rel="next" { (label) } } } }
}
