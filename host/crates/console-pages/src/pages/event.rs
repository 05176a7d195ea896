//! One request: what arrived, who signed it, what did the plugin do, and what followed?

use maud::{Markup, html};
use serde::Serialize;

use super::delivery::Field;
use super::parts::{Fact, change, facts};
use crate::charts;
use crate::layout::{Frame, Page, json};
use crate::words;

/// A part of the request's duration.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Its start, in microseconds after the arrival.
    pub start_us: u64,
    /// Its duration in microseconds.
    pub took_us: u64,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Event {
    /// Id of the request.
    pub id: String,
    /// The callback and the event.
    pub name: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// Stable code.
    pub code: &'static str,
    /// Why it failed, masked.
    pub detail: Option<String>,
    /// Duration in microseconds.
    pub took_us: u64,
    /// The platform's deadline in milliseconds.
    pub deadline_ms: Option<u64>,
    /// Parts of the duration.
    pub stages: Vec<Stage>,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Facts about each call of a plugin.
    pub calls: Vec<Vec<Fact>>,
    /// Lines of plugins, masked.
    pub lines: Vec<String>,
    /// Fields of the request; `None` if the bytes were not recorded.
    pub request: Option<Vec<Field>>,
    /// Fields of the answer.
    pub answer: Option<Vec<Field>>,
    /// Whether personal data is shown.
    pub is_revealed: bool,
    /// Time in milliseconds for which it is shown.
    pub reveal_ms: u64,
    /// Ids of the deliveries that were stored.
    pub deliveries: Vec<i64>,
    /// Why the request cannot be asked again; `None` if it can.
    pub no_question: Option<&'static str>,
}

impl Page for Event {
    fn title(&self) -> String {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{}: {status} in {}", self.name, words::micros(self.took_us))
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @if let Some(detail) = &self.detail { p .problem { b { (self.code) } " " bdi { (detail) } } }
            @if frame.may_change {
                @match self.no_question {
                    None => div .actions {
                        (change(&format!("/events/{}/ask", self.id), "Ask again", true, &[]))
                        (change(&format!("/events/{}/edit", self.id), "Edit and ask", false, &[]))
                    },
                    Some(reason) => p .quiet { "It cannot be asked again: " (reason) },
                }
            }
            section .sheet {
                header {
                    h2 { "Duration" }
                    span .push {}
                    @if let Some(deadline) = self.deadline_ms { span .quiet { (words::micros(self.took_us)) " of " (words::duration(i64::try_from(deadline).unwrap_or(i64::MAX))) } }
                }
                div .pad .fall {
                    @for stage in &self.stages {
                        span { (stage.name) }
                        (charts::bar(stage.start_us, stage.took_us, self.took_us))
                        span .mono .n { (words::micros(stage.took_us)) }
                    }
                }
            }
            section .sheet { header { h2 { "Facts" } } div .pad { (facts(&self.facts)) } }
            @for call in &self.calls {
                section .sheet { header { h2 { "Call of a plugin" } } div .pad { (facts(call)) } }
            }
            @if !self.lines.is_empty() {
                section .sheet { header { h2 { "Lines of plugins" } } ul .plain .mono { @for line in &self.lines { li { bdi { (line) } } } } }
            }
            (self.bytes(frame))
            @if !self.deliveries.is_empty() {
                section .sheet {
                    header { h2 { "What followed" } }
                    ul .plain { @for id in &self.deliveries { li { a href=(format!("/deliveries/{id}")) { "Delivery " (id) } } } }
                }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl Event {
    fn bytes(&self, frame: &Frame) -> Markup {
        html! {
            section .sheet {
                header {
                    h2 { "Request and answer" }
                    span .push {}
                    @if self.is_revealed {
                        span .quiet data-hide-after=(self.reveal_ms) { "Shown for " (words::duration(i64::try_from(self.reveal_ms).unwrap_or(i64::MAX))) }
                    } @else if frame.may_reveal && (self.request.is_some() || !self.lines.is_empty()) {
                        (change(&format!("/events/{}/show", self.id), "Show personal data", false, &[]))
                    }
                }
                @match &self.request {
                    None => p .pad .quiet { "Only facts were recorded of this request. Bytes of at most " code { "recording.captures_per_second_max" } " requests a second are recorded, and are kept for " code { "recording.keep_ms" } "." },
                    Some(request) => {
                        (fields("Request", request))
                        @if let Some(answer) = &self.answer { (fields("Answer", answer)) }
                    },
                }
            }
        }
    }
}

fn fields(title: &str, fields: &[Field]) -> Markup {
    html! {
        h3 .pad { (title) }
        dl .pad .wide {
            @for field in fields {
                dt { bdi { (field.name) } }
                dd {
                    @if let Some(value) = &field.value { bdi { (value) } }
                    @if let Some(personal) = &field.personal { (personal) }
                }
            }
        }
    }
}
