//! One delivery: what was tried, what was the outcome, and what can a person decide?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{By, Fact, change, command, facts, history, state};
use crate::layout::{Frame, Page, json};
use crate::personal::Personal;
use crate::words;

/// A field of the payload.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    /// Name of the field.
    pub name: String,
    /// Its value, if it is not personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its value, if it is personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Option<Personal>,
}

/// An attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Number of the attempt, from 1.
    pub number: u32,
    /// Time of its beginning, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Its duration in milliseconds.
    pub took_ms: i64,
    /// State after it.
    pub state: &'static str,
    /// Reason for the state, masked.
    pub reason: Option<String>,
    /// Facts about each recorded call of a plugin.
    pub calls: Vec<Vec<Fact>>,
    /// Calls that were not recorded, because there were too many.
    pub calls_dropped: usize,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// Its state.
    pub state: &'static str,
    /// Reason for the state, masked.
    pub reason: Option<String>,
    /// What it waits for, in words.
    pub waits: String,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Fields of the payload.
    pub payload: Vec<Field>,
    /// Whether the payload is shown as clear text.
    pub is_revealed: bool,
    /// Time in milliseconds for which it is shown.
    pub reveal_ms: u64,
    /// Attempts that have ended, oldest first.
    pub attempts: Vec<Attempt>,
    /// Actions of people.
    pub actions: Vec<By>,
    /// Result of the last change.
    pub notice: Option<String>,
}

impl Page for Delivery {
    fn title(&self) -> String {
        format!("Delivery {} is {}", self.id, self.state)
    }

    fn is_live(&self) -> bool {
        !self.is_revealed
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @if let Some(notice) = &self.notice { p .notice role="status" { (notice) } }
            p .lede { (state(self.state)) " " bdi { (self.reason.as_deref().unwrap_or(&self.waits)) } }
            @if frame.may_change { (self.decisions()) }
            section .sheet { header { h2 { "Facts" } } div .pad { (facts(&self.facts)) } }
            (self.attempt_list(frame))
            (self.calls())
            (self.payload(frame))
            (history(frame.now_ms, &self.actions))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl Delivery {
    fn decisions(&self) -> Markup {
        let path = |action: &str| format!("/deliveries/{}/{action}", self.id);
        html! {
            div .row {
                @if self.state != "sent" { (change(&path("retry"), "Retry", true, &[])) }
                @if self.state == "unknown" || self.state == "dead" {
                    (change(&path("sent"), "It was sent", false, &[]))
                    (change(&path("not-sent"), "It was not sent", false, &[]))
                }
                @if !matches!(self.state, "sent" | "failed" | "cancelled") { (change(&path("cancel"), "Cancel", false, &[])) }
            }
            @if self.state != "sent" { (command(&format!("frontgate deliveries retry {}", self.id))) }
        }
    }

    fn attempt_list(&self, frame: &Frame) -> Markup {
        html! {
            section .sheet {
                header { h2 { "Attempts" } }
                @if self.attempts.is_empty() { p .pad .quiet { "No attempt has ended yet." } } @else {
                    div .scroll tabindex="0" role="region" aria-label="Attempts" {
                        table {
                            thead { tr { th .n { "Number" } th { "Begun" } th .n { "Duration" } th { "State after it" } th { "Reason" } } }
                            tbody {
                                @for attempt in &self.attempts {
                                    tr {
                                        td .n { (attempt.number) }
                                        td { (words::ago(frame.now_ms, attempt.begun_ms)) }
                                        td .n { (words::duration(attempt.took_ms)) }
                                        td { (state(attempt.state)) }
                                        td .why { bdi { (attempt.reason.as_deref().unwrap_or("")) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn calls(&self) -> Markup {
        html! {
            @for attempt in &self.attempts {
                @for call in &attempt.calls {
                    section .sheet { header { h2 { "Call of a plugin in attempt " (attempt.number) } } div .pad { (facts(call)) } }
                }
                @if attempt.calls_dropped > 0 {
                    p .quiet { (words::count(u64::try_from(attempt.calls_dropped).unwrap_or(u64::MAX), "further call", "further calls")) " in attempt " (attempt.number) }
                }
            }
        }
    }

    fn payload(&self, frame: &Frame) -> Markup {
        html! {
            section .sheet {
                header {
                    h2 { "Payload" }
                    span .push {}
                    @if self.is_revealed {
                        span .quiet data-hide-after=(self.reveal_ms) { "Shown for " (words::duration(i64::try_from(self.reveal_ms).unwrap_or(i64::MAX))) }
                    } @else if frame.may_reveal {
                        (change(&format!("/deliveries/{}/show", self.id), "Show personal data", false, &[]))
                    }
                }
                dl .pad .wide {
                    @for field in &self.payload {
                        dt { bdi { (field.name) } }
                        dd {
                            @if let Some(value) = &field.value { bdi { (value) } }
                            @if let Some(personal) = &field.personal { (personal) }
                        }
                    }
                }
            }
        }
    }
}
