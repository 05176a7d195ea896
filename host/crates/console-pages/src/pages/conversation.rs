//! The story of a conversation: one line for each request, call and attempt, between those who took part.

use maud::{Markup, html};
use serde::Serialize;

use super::deliveries::{DeliveryRow, table};
use super::parts::{download, next};
use crate::csv::{Table, time};
use crate::layout::{Frame, Page, json};
use crate::personal::Personal;
use crate::words;
use crate::words::encoded;

/// A participant of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Twilio, Front or the provider.
    Platform,
    /// The gateway.
    Gateway,
    /// A plugin.
    Plugin,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Platform, Self::Gateway, Self::Plugin];

    fn name(self) -> &'static str {
        match self {
            Self::Platform => "Platform",
            Self::Gateway => "Frontgate",
            Self::Plugin => "Plugin",
        }
    }
}

/// A step of the story.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The participant that acts.
    pub from: Lane,
    /// The participant that is asked.
    pub to: Lane,
    /// What happened.
    pub text: String,
    /// The result, masked.
    pub result: String,
    /// State for the sign, such as `sent`; empty for none.
    pub state: &'static str,
    /// Path of the page about the step.
    pub link: String,
}

/// The view of one conversation.
#[derive(Debug, Serialize)]
pub struct Conversation {
    /// The tenant.
    pub tenant: String,
    /// Key of the conversation.
    pub conversation: String,
    /// Steps, oldest first.
    pub steps: Vec<Step>,
    /// Deliveries, newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Path of the page with older deliveries.
    pub next: Option<String>,
}

/// Time between two steps from which the gap is a line.
const GAP_MS: i64 = 10_000;

impl Page for Conversation {
    fn title(&self) -> String {
        format!("Conversation {}", self.conversation)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        let mut last: Option<i64> = None;
        html! {
            p .lede { "Tenant " b { bdi { (self.tenant) } } ". Requests are shown as long as they are recorded; deliveries and their attempts as long as they are kept." }
            section .sheet .scroll tabindex="0" role="region" aria-label="Story" {
                table .story {
                    thead { tr { th { "Time (UTC)" } @for lane in Lane::ALL { th { (lane.name()) } } th { "Result" } } }
                    tbody {
                        @for step in &self.steps {
                            @let gap = last.replace(step.time_ms).map_or(0, |last| step.time_ms - last);
                            @if gap >= GAP_MS { tr .gap { td colspan="5" { (words::duration(gap)) " later" } } }
                            (row(step))
                        }
                    }
                }
                @if self.steps.is_empty() { p .pad .quiet { "Nothing is recorded about this conversation." } }
            }
            @if !self.deliveries.is_empty() {
                section .sheet { header { h2 { "Deliveries" } } div .scroll tabindex="0" role="region" aria-label="Deliveries" { (table(frame.now_ms, &self.deliveries)) } }
            }
            (next(self.next.as_deref(), "Older"))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

fn row(step: &Step) -> Markup {
    let (first, last) = (step.from.min(step.to), step.from.max(step.to));
    let is_back = step.from > step.to;
    html! {
        tr {
            td .mono { time title=(words::time(step.time_ms)) { (words::clock(step.time_ms)) } }
            @for lane in Lane::ALL {
                @if lane == first {
                    td colspan=(last as u8 - first as u8 + 1) .step .back[is_back] {
                        a href=(step.link) { @if is_back { "← " } bdi { (step.text) } @if !is_back && first != last { " →" } }
                    }
                } @else if lane < first || lane > last { td {} }
            }
            td .why { @if !step.state.is_empty() { span class=(format!("state {}", step.state)) { (step.state) } " " } bdi { (step.result) } }
        }
    }
}

/// The view of the search for a conversation.
#[derive(Debug, Serialize)]
pub struct Conversations {
    /// Recent conversations: tenant, key, time of the last request in milliseconds since 1970, number of requests. The
    /// result of a search has no number of requests.
    pub recent: Vec<(String, String, i64, Option<u64>)>,
    /// The address that was searched for.
    pub searched: Option<Personal>,
}

impl Page for Conversations {
    fn title(&self) -> String {
        if let Some(searched) = &self.searched {
            format!("{} of {}", words::count(self.count(), "conversation", "conversations"), searched.visible())
        } else if self.recent.is_empty() {
            "No conversation is recorded".to_owned()
        } else {
            "Recent conversations".to_owned()
        }
    }

    fn is_live(&self) -> bool {
        // Each search is recorded.
        self.searched.is_none()
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede { "Conversations of recorded requests. For another one, enter its SID or id in the search field, or a number with its country code." }
            @if !self.recent.is_empty() {
                section .sheet {
                    div .scroll tabindex="0" role="region" aria-label="Conversations" {
                        table {
                            thead { tr { th { "Tenant" } th { "Conversation" } th { "Last request" } th .n { "Requests" } } }
                            tbody {
                                @for (tenant, conversation, time_ms, requests) in &self.recent {
                                    tr {
                                        td { bdi { (tenant) } }
                                        td { a .mono href=(format!("/conversations/{}/{}", encoded(tenant), encoded(conversation))) { bdi { (conversation) } } }
                                        td { (words::ago(frame.now_ms, *time_ms)) }
                                        td .n { @if let Some(requests) = requests { (words::number(*requests)) } }
                                    }
                                }
                            }
                        }
                    }
                }
                (download("/conversations.csv"))
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        let cells = |(tenant, conversation, time_ms, requests): &(String, String, i64, Option<u64>)| {
            vec![
                tenant.clone(),
                conversation.clone(),
                time(*time_ms),
                requests.map_or_else(String::new, |count| count.to_string()),
            ]
        };
        let columns = vec!["tenant", "conversation", "last_request", "requests"];
        Some(Table { name: "conversations", columns, rows: self.recent.iter().map(cells).collect() })
    }
}

impl Conversations {
    fn count(&self) -> u64 {
        u64::try_from(self.recent.len()).unwrap_or(u64::MAX)
    }
}
