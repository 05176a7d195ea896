//! A question that a person asked: the answer beside the earlier one, what the plugins did, and a test case of it.

use maud::{Markup, html};
use serde::Serialize;

use super::Fact;
use super::delivery::Field;
use super::parts::{change, facts, state};
use crate::layout::{Frame, Page, json};
use crate::personal::Personal;
use crate::words;

/// A value of the answer then and now.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Path of the value.
    pub name: String,
    /// The earlier value.
    pub then: Option<Shown>,
    /// The new value.
    pub now: Option<Shown>,
}

/// A value, masked if it is personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// A harmless value.
    Plain(String),
    /// Personal data.
    Masked(Personal),
}

impl Shown {
    fn markup(&self) -> Markup {
        html! { @match self { Self::Plain(text) => bdi { (text) }, Self::Masked(personal) => (personal) } }
    }
}

/// One call of a plugin.
#[derive(Debug, Serialize)]
pub struct AskedCall {
    /// Plugin, function, end and effects.
    pub facts: Vec<Fact>,
    /// Requests that were sent, masked.
    pub sent: Vec<String>,
    /// Requests that were held because they could change something, masked.
    pub held: Vec<String>,
    /// Why no test case can be made of the call; `None` if one can.
    pub no_case: Option<&'static str>,
}

/// The view of a question and its answer.
#[derive(Debug, Serialize)]
pub struct AskedAgain {
    /// Number of the question.
    pub number: u64,
    /// The callback, and the tenant.
    pub name: String,
    /// Id of the request that was asked again.
    pub request: String,
    /// Whether fields were changed.
    pub is_edited: bool,
    /// HTTP status of the answer.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// Why it failed, masked.
    pub detail: Option<String>,
    /// Duration in microseconds.
    pub took_us: u64,
    /// The platform's deadline in milliseconds.
    pub deadline_ms: u64,
    /// HTTP status of the earlier answer.
    pub then_status: Option<u16>,
    /// Values that differ, or exist on one side only; `None` if the earlier answer was not recorded whole.
    pub differences: Option<Vec<Compared>>,
    /// Fields of the answer.
    pub answer: Vec<Field>,
    /// Calls of plugins.
    pub calls: Vec<AskedCall>,
    /// Lines of plugins, masked.
    pub lines: Vec<String>,
    /// Whether personal data is shown.
    pub is_revealed: bool,
    /// Time in milliseconds for which it is shown.
    pub reveal_ms: u64,
}

impl Page for AskedAgain {
    fn title(&self) -> String {
        let end = format!("{} in {}", self.status, words::micros(self.took_us));
        let differs = match &self.differences {
            Some(found) if found.is_empty() && self.then_status == Some(self.status) => ", the same answer",
            Some(_) => ", another answer",
            None => "",
        };
        let asked = if self.is_edited { "asked with changes" } else { "asked again" };
        format!("{} {asked}: {end}{differs}", self.name)
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede {
                "This was a dry run: nothing was stored, no request that could change something was sent, and the plugin's state is as before."
            }
            p { a .button href=(format!("/events/{}", self.request)) { "The original request" } }
            @if let Some(detail) = &self.detail { p .problem { b { (self.code) } " " bdi { (detail) } } }
            section .sheet {
                header {
                    h2 { "Answer then and now" }
                    span .push {}
                    @if self.is_revealed {
                        span .quiet data-hide-after=(self.reveal_ms) { "Shown for " (words::duration(i64::try_from(self.reveal_ms).unwrap_or(i64::MAX))) }
                    } @else if frame.may_reveal {
                        (change(&format!("/questions/{}/show", self.number), "Show personal data", false, &[]))
                    }
                }
                (self.comparison())
            }
            section .sheet { header { h2 { "Answer" } } dl .pad .wide { @for field in &self.answer { (field_markup(field)) } } }
            @for (index, call) in self.calls.iter().enumerate() { (self.call(index, call)) }
            @if !self.lines.is_empty() {
                section .sheet { header { h2 { "Lines of plugins" } } ul .plain .mono { @for line in &self.lines { li { bdi { (line) } } } } }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl AskedAgain {
    fn comparison(&self) -> Markup {
        html! {
            @match &self.differences {
                None => p .pad .quiet { "The earlier answer was not recorded whole, so it cannot be compared." },
                Some(found) if found.is_empty() => p .pad { "Both answers are the same." },
                Some(found) => div .scroll tabindex="0" role="region" aria-label="Differences" {
                    table {
                        thead { tr { th { "Value" } th { "Then" } th { "Now" } } }
                        tbody {
                            @for one in found {
                                tr {
                                    td .mono { bdi { (one.name) } }
                                    td { @match &one.then { Some(value) => (value.markup()), None => span .quiet { "absent" } } }
                                    td { @match &one.now { Some(value) => (value.markup()), None => span .quiet { "absent" } } }
                                }
                            }
                        }
                    }
                },
            }
        }
    }

    fn call(&self, index: usize, call: &AskedCall) -> Markup {
        html! {
            section .sheet {
                header {
                    h2 { "Call of a plugin" }
                    span .push {}
                    @if call.no_case.is_none() {
                        (change(&format!("/questions/{}/case", self.number), "Save as test case", false, &[("call", &index.to_string())]))
                    }
                }
                div .pad { (facts(&call.facts)) }
                @for sent in &call.sent { p .pad .mono { "sent " bdi { (sent) } } }
                @for held in &call.held { p .pad .mono { (state("held")) " " bdi { (held) } } }
                @if let Some(reason) = call.no_case { p .pad .quiet { "No test case: " (reason) } }
            }
        }
    }
}

/// A field of a body.
fn field_markup(field: &Field) -> Markup {
    html! {
        dt { bdi { (field.name) } }
        dd {
            @if let Some(value) = &field.value { bdi { (value) } }
            @if let Some(personal) = &field.personal { (personal) }
        }
    }
}

/// The view of a request whose fields a person changes. Only a recorded look leads to it.
#[derive(Debug, Serialize)]
pub struct Edit {
    /// Id of the request.
    pub request: String,
    /// The callback, and the tenant.
    pub name: String,
    /// Names of the fields and their values.
    #[serde(skip)]
    pub fields: Vec<(String, String)>,
}

impl Page for Edit {
    fn title(&self) -> String {
        format!("Change the fields of {}, and ask", self.name)
    }

    fn content(&self, _: &Frame) -> Markup {
        html! {
            p .lede { "The plugin is asked as if the platform had sent these fields. Nothing is stored or sent. An empty name omits a field." }
            form .sheet .pad .edit action=(format!("/events/{}/ask", self.request)) method="post" data-change {
                @for (index, (name, value)) in self.fields.iter().enumerate() { (edited(index, name, value)) }
                @for index in self.fields.len()..self.fields.len() + 2 { (edited(index, "", "")) }
                button .main type="submit" disabled { "Ask" }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

fn edited(index: usize, name: &str, value: &str) -> Markup {
    html! {
        p .pair {
            input .mono name=(format!("name{index}")) value=(name) aria-label=(format!("Name of field {}", index + 1));
            textarea .mono name=(format!("value{index}")) rows="1" aria-label=(format!("Value of field {}", index + 1)) { (value) }
        }
    }
}

/// The view of a test case. Its JSON is the file.
#[derive(Debug)]
pub struct CasePage {
    /// Number of the question.
    pub number: u64,
    /// Position of the call.
    pub call: usize,
    /// The function.
    pub function: String,
    /// Name of the file.
    pub file: String,
    /// The file.
    pub case: String,
    /// Differences that the test of the plugin reported; `None` if it was not run.
    pub problems: Option<Vec<String>>,
}

impl Page for CasePage {
    fn title(&self) -> String {
        match self.problems.as_deref() {
            Some([]) => format!("A test case of {}, which passes", self.function),
            Some(_) => format!("A test case of {}, which does not pass yet", self.function),
            None => format!("A test case of {}", self.function),
        }
    }

    fn content(&self, _: &Frame) -> Markup {
        html! {
            p .lede { "Save it as " code { "cases/" (self.file) } " in the plugin's project, and run " code { "frontgate plugin test" } ". Numbers, addresses, names and texts were replaced." }
            @if self.problems.is_none() { p .quiet { "The case was not run: the plugin's file is not in the plugin folder, or this program has no commands for authors." } }
            @for problem in self.problems.iter().flatten() { p .problem { bdi { (problem) } } }
            p { a .button href=(format!("/questions/{}/case.json?call={}", self.number, self.call)) download=(self.file) { "Download" } }
            section .sheet { pre .pad .mono tabindex="0" { (self.case) } }
        }
    }

    fn json(&self) -> Vec<u8> {
        self.case.clone().into_bytes()
    }
}

/// A question that a waiting version answered differently.
#[derive(Debug, Serialize)]
pub struct Differing {
    /// Id of the request.
    pub request: String,
    /// The callback, and the tenant.
    pub name: String,
    /// Status, and what the calls did, of the live version.
    pub live: String,
    /// The same of the waiting version.
    pub waiting: String,
    /// Values that differ.
    pub differences: Vec<Compared>,
}

/// The view of a comparison of a waiting version with the live one.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Name of the plugin.
    pub plugin: String,
    /// First digits of the live version's digest.
    pub live: String,
    /// First digits of the waiting version's digest.
    pub waiting: String,
    /// Number of questions with the same answer.
    pub same: u64,
    /// Questions with other answers.
    pub different: Vec<Differing>,
}

impl Page for Comparison {
    fn title(&self) -> String {
        let asked = self.same + u64::try_from(self.different.len()).unwrap_or_default();
        let count = words::count(asked, "recorded question", "recorded questions");
        match (asked, self.different.len()) {
            (0, _) => format!("No recorded question for {}", self.plugin),
            (_, 0) => format!("{} answers {count} as before", self.plugin),
            (_, some) => format!("{} of {count} answered differently by {}", some, self.plugin),
        }
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede {
                "Version " span .mono { (self.waiting) } " was asked the newest recorded questions of " span .mono { (self.live) }
                ", both in dry runs: nothing was stored, and nothing that could change something was sent."
            }
            @if self.same + u64::try_from(self.different.len()).unwrap_or_default() == 0 {
                p .quiet { "Questions are recorded as callbacks arrive: those of Frontline, and the webhooks that a plugin answers." }
            }
            @if frame.may_change {
                (change(&format!("/plugins/{}/allow", words::encoded(&self.plugin)), "Allow this version", true, &[("digest", &self.waiting)]))
            }
            @for one in &self.different {
                section .sheet {
                    header { h2 { a href=(format!("/events/{}", one.request)) { (one.name) } } }
                    div .scroll tabindex="0" role="region" aria-label="Differences" {
                        table {
                            thead { tr { th { "Value" } th { "Live" } th { "Waiting" } } }
                            tbody {
                                tr { td { "Result" } td { bdi { (one.live) } } td { bdi { (one.waiting) } } }
                                @for value in &one.differences {
                                    tr {
                                        td .mono { bdi { (value.name) } }
                                        td { @match &value.then { Some(shown) => (shown.markup()), None => span .quiet { "absent" } } }
                                        td { @match &value.now { Some(shown) => (shown.markup()), None => span .quiet { "absent" } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}
