//! Audit: who did what, and is the record complete?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{command, download, next};
use crate::csv::{Table, cell, time};
use crate::layout::{Frame, Page, json};
use crate::words;

/// An action.
#[derive(Debug, Clone, Serialize)]
pub struct ActionRow {
    /// Number of the row.
    pub id: i64,
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The person.
    pub who: String,
    /// Their role.
    pub role: String,
    /// The tenant.
    pub tenant: Option<String>,
    /// The action, in words.
    pub action: String,
    /// The object.
    pub object: String,
    /// The person's reason.
    pub reason: Option<String>,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Audit {
    /// Whether the digests were verified; the first verification of a long record takes seconds.
    pub is_verified: bool,
    /// Number of rows whose digests match.
    pub verified: u64,
    /// Number of the first row whose digest does not match.
    pub broken: Option<i64>,
    /// Time of the first row that was verified, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Actions, newest first.
    pub actions: Vec<ActionRow>,
    /// The chosen person.
    pub who: Option<String>,
    /// Path of the next page.
    pub next: Option<String>,
}

impl Page for Audit {
    fn title(&self) -> String {
        match self.broken {
            Some(row) => format!("The record was changed at row {row}"),
            None if !self.is_verified => "Actions".to_owned(),
            None => format!("{} recorded", words::count(self.verified, "action is", "actions are")),
        }
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @match (self.broken, self.since_ms) {
                (Some(row), _) => p .problem role="alert" { "The digest of row " (row) " does not match: it, or the row before it, was changed or removed outside of the gateway." },
                (None, Some(since)) => p .lede { "Verified: no row was changed since " (words::time(since)) "." },
                (None, None) if !self.is_verified => p .lede { "The digests are being verified. Load the page again." },
                (None, None) => p .lede { "No action with a digest yet." },
            }
            section .sheet {
                div .scroll tabindex="0" role="region" aria-label="Actions" {
                    table {
                        thead { tr { th { "Time" } th { "Person" } th { "Role" } th { "Tenant" } th { "Action" } th { "Object" } th { "Reason" } } }
                        tbody {
                            @for action in &self.actions {
                                tr {
                                    td { (words::ago(frame.now_ms, action.time_ms)) }
                                    td { a href=(format!("/audit?who={}", words::encoded(&action.who))) { bdi { (action.who) } } }
                                    td { (action.role) }
                                    td { bdi { (action.tenant.as_deref().unwrap_or("")) } }
                                    td { (action.action) }
                                    td { (object(&action.object)) }
                                    td .why { bdi { (action.reason.as_deref().unwrap_or("")) } }
                                }
                            }
                        }
                    }
                }
            }
            (next(self.next.as_deref(), "Older"))
            (download(&match &self.who { Some(who) => format!("/audit.csv?who={}", words::encoded(who)), None => "/audit.csv".to_owned() }))
            (command("frontgate audit list"))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        Some(Table {
            name: "audit",
            columns: vec!["id", "time", "person", "role", "tenant", "action", "object", "reason"],
            rows: self.actions.iter().map(cells).collect(),
        })
    }
}

fn cells(action: &ActionRow) -> Vec<String> {
    let ActionRow { id, time_ms, who, role, tenant, action, object, reason } = action;
    let (tenant, reason) = (cell(tenant.as_deref()), cell(reason.as_deref()));
    vec![id.to_string(), time(*time_ms), who.clone(), role.clone(), tenant, action.clone(), object.clone(), reason]
}

/// Returns an object as a link to its page, if it has one.
fn object(object: &str) -> Markup {
    match object.split_once(' ') {
        Some(("delivery", id)) => html! { a href=(format!("/deliveries/{id}")) { (object) } },
        Some(("channel", id)) => html! { a href=(format!("/channels/{id}")) { (object) } },
        Some(("plugin", name)) => html! { a href=(format!("/plugins/{name}")) { bdi { (object) } } },
        _ => html! { bdi { (object) } },
    }
}
