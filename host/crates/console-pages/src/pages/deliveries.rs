//! Deliveries: what is not finished, why, and what happens if a person retries or cancels it?

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{change, command, download, next, state};
use crate::csv::{Table, cell, time};
use crate::layout::{Frame, Page, json};
use crate::words;

/// A delivery in a list.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryRow {
    /// Its id.
    pub id: i64,
    /// Its state.
    pub state: &'static str,
    /// The tenant.
    pub tenant: String,
    /// Kind and event.
    pub what: String,
    /// Key of the conversation, masked if it may contain a number.
    pub conversation: String,
    /// Path of the conversation's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_link: Option<String>,
    /// Time of creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// What it waits for, in words.
    pub waits: String,
    /// Reason for the state, with personal data masked.
    pub reason: Option<String>,
}

/// Deliveries of one tenant in one state for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// The state.
    pub state: &'static str,
    /// The tenant.
    pub tenant: String,
    /// The reason without the parts that differ, masked; `None` before the first attempt.
    pub reason: Option<String>,
    /// Number of deliveries.
    pub count: u64,
    /// Time of creation of the oldest one, in milliseconds since 1970.
    pub oldest_ms: i64,
    /// Query of the list with these deliveries.
    pub query: String,
}

/// Number of deliveries in a state.
#[derive(Debug, Clone, Serialize)]
pub struct StateCount {
    /// The state.
    pub state: &'static str,
    /// The number.
    pub count: u64,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Deliveries {
    /// Number of deliveries that are not finished.
    pub open: u64,
    /// Number in each state.
    pub states: Vec<StateCount>,
    /// The chosen state.
    pub state: Option<&'static str>,
    /// The chosen tenant.
    pub tenant: Option<String>,
    /// The chosen reason.
    pub reason: Option<String>,
    /// Groups of deliveries that are open or need a decision; empty in a list of one state.
    pub groups: Vec<Group>,
    /// Deliveries of the chosen state; empty beside groups.
    pub rows: Vec<DeliveryRow>,
    /// Query of the list, for actions on all of it.
    pub query: String,
    /// Path of the next page.
    pub next: Option<String>,
    /// Command that lists the same.
    pub command: String,
}

impl Page for Deliveries {
    fn title(&self) -> String {
        match self.state {
            Some(state) => format!("Deliveries in state {state}"),
            None if self.open == 0 => "No delivery waits".to_owned(),
            None => format!("{} not finished", words::count(self.open, "delivery is", "deliveries are")),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede { "Grouped by reason. Reasons that differ only in numbers and ids are one group." }
            nav .filters aria-label="States" {
                a .chip href="/deliveries" aria-current=[self.state.is_none().then_some("true")] { "Not finished " (words::number(self.open)) }
                @for StateCount { state, count } in &self.states {
                    a .chip href=(format!("/deliveries?state={state}")) aria-current=[(self.state == Some(state)).then_some("true")] {
                        (state) " " (words::number(*count))
                    }
                }
            }
            @if let Some(reason) = &self.reason { p { "Reason: " b { bdi { (reason) } } } }
            @if let Some(tenant) = &self.tenant { p { "Tenant: " b { bdi { (tenant) } } } }
            @if self.state.is_none() { (self.group_list(frame)) } @else { (self.list(frame)) }
            (download(&format!("/deliveries.csv?{}", self.query)))
            (command(&self.command))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        if self.state.is_none() {
            let columns = vec!["state", "tenant", "reason", "deliveries", "oldest"];
            return Some(Table { name: "deliveries", columns, rows: self.groups.iter().map(group_cells).collect() });
        }
        let columns = vec!["id", "state", "tenant", "event", "conversation", "created", "waits", "reason"];
        Some(Table { name: "deliveries", columns, rows: self.rows.iter().map(row_cells).collect() })
    }
}

impl Deliveries {
    fn group_list(&self, frame: &Frame) -> Markup {
        html! {
            @if self.groups.is_empty() {
                p .quiet { "Finished deliveries are listed by state." }
            } @else {
                section .sheet {
                    div .scroll tabindex="0" role="region" aria-label="Groups" {
                        table {
                            thead { tr { th { "State" } th { "Tenant" } th { "Reason" } th .n { "Deliveries" } th { "Oldest accepted" } th { span .hidden { "Actions" } } } }
                            tbody {
                                @for group in &self.groups {
                                    tr {
                                        td { (state(group.state)) }
                                        td { bdi { (group.tenant) } }
                                        td .why { a href=(format!("/deliveries?{}", group.query)) { bdi { (group.reason.as_deref().unwrap_or("Not tried yet")) } } }
                                        td .n { (words::number(group.count)) }
                                        td { (words::ago(frame.now_ms, group.oldest_ms)) }
                                        td { @if frame.may_change { (bulk_links(&group.query)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn list(&self, frame: &Frame) -> Markup {
        html! {
            @if frame.may_change && !self.rows.is_empty() && !matches!(self.state, Some("sent" | "leased")) {
                p { (bulk_links(&self.query)) }
            }
            section .sheet {
                div .scroll tabindex="0" role="region" aria-label="Deliveries" {
                    (table(frame.now_ms, &self.rows))
                }
            }
            (next(self.next.as_deref(), "Older"))
        }
    }
}

fn group_cells(group: &Group) -> Vec<String> {
    let Group { state, tenant, reason, count, oldest_ms, .. } = group;
    vec![(*state).to_owned(), tenant.clone(), cell(reason.as_deref()), count.to_string(), time(*oldest_ms)]
}

fn row_cells(row: &DeliveryRow) -> Vec<String> {
    vec![
        row.id.to_string(),
        row.state.to_owned(),
        row.tenant.clone(),
        row.what.clone(),
        row.conversation.clone(),
        time(row.created_ms),
        row.waits.clone(),
        cell(row.reason.as_deref()),
    ]
}

fn bulk_links(query: &str) -> Markup {
    html! {
        span .row {
            a .button href=(format!("/deliveries/bulk?change=retry&{query}")) { "Retry all…" }
            a .button href=(format!("/deliveries/bulk?change=cancel&{query}")) { "Cancel all…" }
        }
    }
}

/// A table of deliveries.
pub(super) fn table(now_ms: i64, rows: &[DeliveryRow]) -> Markup {
    html! {
        table {
            thead { tr { th { "Id" } th { "State" } th { "Tenant" } th { "Event" } th { "Conversation" } th { "Age" } th { "Waits" } th { "Reason" } } }
            tbody {
                @for row in rows {
                    tr {
                        td { a .mono href=(format!("/deliveries/{}", row.id)) { (row.id) } }
                        td { (state(row.state)) }
                        td { bdi { (row.tenant) } }
                        td { bdi { (row.what) } }
                        td .mono {
                            @match &row.conversation_link {
                                Some(path) => a href=(path) { bdi { (words::short(&row.conversation, 14)) } },
                                None => bdi { (words::short(&row.conversation, 14)) },
                            }
                        }
                        td { (words::ago(now_ms, row.created_ms)) }
                        td { (row.waits) }
                        td .why { bdi { (row.reason.as_deref().unwrap_or("")) } }
                    }
                }
            }
        }
    }
}

/// What a change of many deliveries would do.
#[derive(Debug, Serialize)]
pub struct BulkPreview {
    /// `retry` or `cancel`.
    pub change: &'static str,
    /// Query of the deliveries.
    pub query: String,
    /// Number of deliveries that would change.
    pub total: u64,
    /// Whether more deliveries match than one change may have.
    pub is_limited: bool,
    /// Number of deliveries by the state that they would have.
    pub after: BTreeMap<&'static str, u64>,
    /// Number of deliveries that would still wait for an earlier one of their conversation.
    pub waiting: u64,
    /// Number of deliveries that cannot be changed, by state.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The number that the person confirmed, if it has changed since.
    pub confirmed: Option<u64>,
    /// Command that does the same.
    pub command: String,
}

impl Page for BulkPreview {
    fn title(&self) -> String {
        let word = if self.change == "retry" { "Retry" } else { "Cancel" };
        format!("{word} {}?", words::count(self.total, "delivery", "deliveries"))
    }

    fn content(&self, _: &Frame) -> Markup {
        html! {
            @if let Some(confirmed) = self.confirmed {
                p .problem role="alert" { "The number has changed from " (words::number(confirmed)) " to " (words::number(self.total)) ". Confirm again." }
            }
            section .sheet {
                ul .plain {
                    @for (state, count) in &self.after {
                        li { (words::count(*count, "delivery", "deliveries")) ": " (self.effect(state)) }
                    }
                    @if self.waiting > 0 { li { (words::number(self.waiting)) " of them wait for an earlier delivery of their conversation." } }
                    @for (state, count) in &self.rejected {
                        li { (words::count(*count, "delivery", "deliveries")) " in state " (state) ": not possible now" }
                    }
                    @if self.is_limited { li { "More deliveries match. One action changes at most this number (" code { "console.bulk_max" } ")." } }
                }
            }
            @let total = self.total.to_string();
            div .row {
                (change(&format!("/deliveries/bulk?{}", self.query), &self.title().replace('?', ""), true, &[("change", self.change), ("total", &total)]))
                a .button href="/deliveries" { "Back" }
            }
            (command(&self.command))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl BulkPreview {
    fn effect(&self, state: &str) -> &'static str {
        match (self.change, state) {
            ("cancel", _) => "cancelled. A message that was accepted from Front is reported to it as failed.",
            (_, "unknown") => "may have been sent before: the platform is asked first.",
            _ => "tried again at once.",
        }
    }
}

/// A change of many deliveries.
#[derive(Debug, Clone, Serialize)]
pub struct Bulk {
    /// Number of the change.
    pub id: u64,
    /// `retry` or `cancel`.
    pub change: &'static str,
    /// Number of deliveries that were to change.
    pub total: u64,
    /// Number of deliveries that have changed.
    pub changed: u64,
    /// Number of deliveries that could not be changed any longer.
    pub rejected: u64,
    /// Whether it has ended.
    pub is_finished: bool,
    /// Whether a person stopped it.
    pub is_stopped: bool,
    /// Why it ended early.
    pub error: Option<String>,
}

/// The page about a change of many deliveries.
#[derive(Debug, Serialize)]
pub struct BulkProgress {
    /// The change.
    #[serde(flatten)]
    pub bulk: Bulk,
}

impl Page for BulkProgress {
    fn title(&self) -> String {
        let Bulk { change, total, changed, is_finished, is_stopped, .. } = &self.bulk;
        let word = if *is_stopped {
            "Stopped"
        } else if *is_finished {
            "Finished"
        } else {
            "In progress"
        };
        format!("{word}: {change}, {} of {}", words::number(*changed), words::number(*total))
    }

    fn is_live(&self) -> bool {
        !self.bulk.is_finished
    }

    fn content(&self, _: &Frame) -> Markup {
        let Bulk { id, total, changed, rejected, is_finished, error, .. } = &self.bulk;
        html! {
            progress max=(total) value=(changed + rejected) aria-label="Progress" {}
            @if *rejected > 0 { p { (words::count(*rejected, "delivery", "deliveries")) " changed meanwhile, and could not be changed." } }
            @if let Some(error) = error { p .problem role="alert" { bdi { (error) } } }
            @if !is_finished { (change(&format!("/deliveries/bulk/{id}/stop"), "Stop", false, &[])) }
            p { a href="/deliveries" { "Deliveries" } }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}
