//! Live: what arrives at this moment?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::download;
use crate::csv::{Table, cell, time};
use crate::layout::{Frame, Page, json};
use crate::words;
use crate::words::encoded;

/// A request in the list.
#[derive(Debug, Clone, Serialize)]
pub struct LiveRow {
    /// Position among all requests.
    pub sequence: u64,
    /// Id of the request.
    pub id: String,
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The tenant.
    pub tenant: Option<String>,
    /// Name of the callback.
    pub callback: &'static str,
    /// Type of the event.
    pub event: Option<String>,
    /// HTTP status; `None` if the caller disconnected.
    pub status: Option<u16>,
    /// Stable code.
    pub code: &'static str,
    /// Duration in microseconds.
    pub took_us: u64,
    /// Name of the plugin or index that answered.
    pub by: Option<String>,
    /// Id of the conversation, masked if it may contain a number.
    pub conversation: Option<String>,
    /// Path of the conversation's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_link: Option<String>,
    /// Ids of the deliveries that were stored.
    pub deliveries: Vec<i64>,
    /// Why the request failed, masked.
    pub detail: Option<String>,
    /// Whether the console's simulator sent the request.
    pub is_simulated: bool,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Live {
    /// The filter as text.
    pub query: String,
    /// Why the filter is not valid.
    pub problem: Option<String>,
    /// Requests, newest first.
    pub rows: Vec<LiveRow>,
    /// Number to continue after.
    pub next: u64,
    /// Whether requests are recorded.
    pub is_recording: bool,
    /// Time for which a request for new rows is held, in milliseconds.
    pub hold_ms: u64,
}

impl Page for Live {
    fn title(&self) -> String {
        if self.query.is_empty() { "Requests".to_owned() } else { "Requests that match".to_owned() }
    }

    fn content(&self, _: &Frame) -> Markup {
        html! {
            form .filters action="/live" method="get" {
                label .hidden for="filter" { "Filter" }
                input id="filter" .wide-input name="q" type="search" value=(self.query) autocomplete="off" spellcheck="false"
                    placeholder="tenant:acme callback:crm status:>=400 took:>1s";
                button type="submit" { "Filter" }
                button .pill type="button" data-pause { span .dot {} span data-pause-text { "Live" } }
            }
            @if let Some(problem) = &self.problem { p .problem role="alert" { bdi { (problem) } } }
            @if !self.is_recording { p .problem { "Requests are not recorded: " code { "recording.record" } " is " code { "off" } "." } }
            section .sheet {
                div .scroll tabindex="0" role="region" aria-label="Requests" {
                    table {
                        thead { tr { th { "Time (UTC)" } th { "Tenant" } th { "Callback" } th .n { "Status" } th .n { "Duration" } th { "Answered by" } th { "Conversation" } th { "Result" } } }
                        tbody id="tail" data-tail=[self.problem.is_none().then(|| format!("/live/rows?q={}", encoded(&self.query)))] data-after=(self.next) data-hold=(self.hold_ms) {
                            @for row in &self.rows { (table_row(row)) }
                        }
                    }
                }
                @if self.rows.is_empty() { p .pad .quiet { "No request so far." } }
            }
            (download(&format!("/live.csv?q={}", encoded(&self.query))))
            p .quiet { "In a terminal: " code { "frontgate events tail" @if !self.query.is_empty() { " '" (self.query) "'" } } }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        let columns = vec![
            "time",
            "id",
            "tenant",
            "callback",
            "event",
            "status",
            "code",
            "took_us",
            "by",
            "conversation",
            "deliveries",
            "detail",
        ];
        Some(Table { name: "requests", columns, rows: self.rows.iter().map(cells).collect() })
    }
}

fn cells(row: &LiveRow) -> Vec<String> {
    let deliveries: Vec<String> = row.deliveries.iter().map(i64::to_string).collect();
    vec![
        time(row.time_ms),
        row.id.clone(),
        cell(row.tenant.as_deref()),
        row.callback.to_owned(),
        cell(row.event.as_deref()),
        row.status.map(|status| status.to_string()).unwrap_or_default(),
        row.code.to_owned(),
        row.took_us.to_string(),
        cell(row.by.as_deref()),
        cell(row.conversation.as_deref()),
        deliveries.join(" "),
        cell(row.detail.as_deref()),
    ]
}

/// Returns the rows that are new since the last answer, newest first, how many went by that are not shown, and whether the
/// gateway was started again.
pub fn rows(rows: &[LiveRow], skipped: u64, is_restarted: bool) -> String {
    html! {
        @for row in rows { (table_row(row)) }
        @if skipped > 0 {
            tr .gap { td colspan="8" { (words::count(skipped, "request", "requests")) " went by, too many to show" } }
        }
        @if is_restarted {
            tr .gap { td colspan="8" { "The gateway was started again. Requests just before its end may be missing here." } }
        }
    }
    .into_string()
}

fn table_row(row: &LiveRow) -> Markup {
    let ok = row.code == "ok";
    html! {
        tr .simulated[row.is_simulated] data-sequence=(row.sequence) {
            td .mono { a href=(format!("/events/{}", row.id)) { (words::clock(row.time_ms)) } }
            td { @if let Some(tenant) = &row.tenant { bdi { (tenant) } } @else { "-" } }
            td { (row.callback) @if let Some(event) = &row.event { " " small { bdi { (event) } } } }
            td .n { @match row.status { Some(status) => (status), None => "-" } }
            td .n { (words::micros(row.took_us)) }
            td { bdi { (row.by.as_deref().unwrap_or("-")) } }
            td .mono {
                @if let Some(conversation) = &row.conversation {
                    @match &row.conversation_link {
                        Some(path) => a href=(path) { bdi { (words::short(conversation, 14)) } },
                        None => bdi { (words::short(conversation, 14)) },
                    }
                }
            }
            td .why {
                @if row.is_simulated { span .state { "simulation" } " " }
                @if !ok { span .state .failed { (row.code) } " " }
                @for id in &row.deliveries { a href=(format!("/deliveries/{id}")) { "delivery " (id) } " " }
                @if let Some(detail) = &row.detail { small { bdi { (detail) } } }
            }
        }
    }
}
