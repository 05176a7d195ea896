//! Replicas: which gateways share the database, and does each work?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::command;
use crate::layout::{Frame, Page, json};
use crate::words;

/// A gateway in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Replica {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `up` or `leaving`.
    pub state: String,
    /// Milliseconds since its last heartbeat, by the clock of the database.
    pub beat_age_ms: i64,
    /// Whether its heartbeat is late, so that the others suspect that it ended.
    pub is_late: bool,
    /// Milliseconds since its start.
    pub uptime_ms: i64,
    /// Version of its program.
    pub version: String,
    /// Digest of the settings that must be equal.
    pub config: String,
    /// Whether its settings differ from those of this gateway.
    pub config_differs: bool,
    /// Number of its live plugins.
    pub plugins: u64,
    /// Whether its plugins differ from those of this gateway.
    pub plugins_differ: bool,
    /// Number of deliveries that it works on.
    pub leases: u64,
    /// The sequences that it keeps, such as `acme/twilio`.
    pub keeps: Vec<String>,
    /// Whether it is the gateway that shows the page.
    pub is_this: bool,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Replicas {
    /// Whether gateways can share the database.
    pub is_shared: bool,
    /// The gateways that have not ended, oldest first.
    pub replicas: Vec<Replica>,
}

impl Page for Replicas {
    fn title(&self) -> String {
        let late = self.replicas.iter().filter(|replica| replica.is_late).count();
        match (self.is_shared, late, self.replicas.len()) {
            (false, ..) => "This gateway runs alone".to_owned(),
            (true, 0, 0 | 1) => "One gateway uses the database".to_owned(),
            (true, 0, all) => format!("{all} gateways share the database"),
            (true, late, all) => format!("{late} of {all} gateways may have ended"),
        }
    }

    fn is_live(&self) -> bool {
        self.is_shared
    }

    fn content(&self, _: &Frame) -> Markup {
        html! {
            @if self.is_shared {
                section .sheet {
                    div .scroll tabindex="0" role="region" aria-label="Replicas" {
                        table {
                            thead { tr { th { "Name" } th { "State" } th { "Heartbeat" } th { "Uptime" } th { "Version" } th { "Configuration" } th .n { "Plugins" } th .n { "In progress" } th { "Keeps" } } }
                            tbody { @for replica in &self.replicas { (row(replica)) } }
                        }
                    }
                }
                (command("frontgate replicas list"))
            } @else {
                p { "Its database is a SQLite file, which only one gateway uses. Several gateways need Postgres: " code { "store.url" } "." }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

fn row(replica: &Replica) -> Markup {
    let class = match (replica.is_late, replica.state.as_str()) {
        (true, _) => "state failed",
        (false, "up") => "state sent",
        (false, _) => "state ready",
    };
    html! {
        tr {
            td { b { bdi { (replica.name) } } " " small { (replica.id) @if replica.is_this { ", this gateway" } } }
            td { span class=(class) { @if replica.is_late { "late" } @else { (replica.state) } } }
            td { (words::duration(replica.beat_age_ms)) " ago" }
            td { (words::duration(replica.uptime_ms)) }
            td { (replica.version) }
            td { code { (replica.config) } @if replica.config_differs { " " span .state .failed { "differs" } } }
            td .n { (replica.plugins) @if replica.plugins_differ { " " span .state .ready { "differ" } } }
            td .n { (words::number(replica.leases)) }
            td .why { bdi { (replica.keeps.join(", ")) } }
        }
    }
}
