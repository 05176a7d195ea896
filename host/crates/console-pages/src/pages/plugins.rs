//! Plugins: what runs, since when, and which version waits for a decision?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{Fact, change, command, download, facts};
use crate::csv::{Table, cell, time};
use crate::layout::{Frame, Page, json};
use crate::words;

/// A plugin in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// First digits of the live version's digest.
    pub digest: Option<String>,
    /// Roles of the live version.
    pub roles: Vec<String>,
    /// Time of activation, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Its state in one word.
    pub state: &'static str,
    /// What needs attention.
    pub note: Option<String>,
    /// First digits of the digest of the version that waits for approval.
    pub waiting: Option<String>,
    /// Calls on behalf of requests and deliveries.
    pub calls: CallCounts,
}

/// Calls of a plugin in the last hour.
#[derive(Debug, Default, Clone, Serialize)]
pub struct CallCounts {
    /// All calls.
    pub count: u64,
    /// Calls that failed or were rejected.
    pub failed: u64,
    /// Duration in microseconds within which 95 % of them ended.
    pub p95_us: Option<u64>,
}

/// The view of the list.
#[derive(Debug, Serialize)]
pub struct Plugins {
    /// All plugins.
    pub plugins: Vec<Plugin>,
    /// The last attempts to load a file, newest first.
    pub receipts: Vec<Receipt>,
}

/// An attempt to load a file.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// Name of the plugin.
    pub plugin: String,
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The outcome.
    pub outcome: String,
    /// First digits of the file's digest.
    pub digest: Option<String>,
    /// Why the file was not used.
    pub reason: Option<String>,
}

impl Page for Plugins {
    fn title(&self) -> String {
        let noted =
            u64::try_from(self.plugins.iter().filter(|plugin| plugin.note.is_some()).count()).unwrap_or_default();
        match (self.plugins.len(), noted) {
            (0, _) => "No plugin is live".to_owned(),
            (_, 0) => "All plugins run".to_owned(),
            (_, noted) => format!("{} attention", words::count(noted, "plugin needs", "plugins need")),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            section .sheet {
                div .scroll tabindex="0" role="region" aria-label="Plugins" {
                    table {
                        thead { tr { th { "Plugin" } th { "State" } th { "Version" } th { "Since" } th { "Roles" } th .n { "Calls in the last hour" } th .n { "Failed" } th .n { "95 % within" } th { "Note" } } }
                        tbody {
                            @for plugin in &self.plugins {
                                tr {
                                    td { a href=(format!("/plugins/{}", plugin.name)) { bdi { (plugin.name) } } }
                                    td { (sign(plugin)) }
                                    td .mono { (plugin.digest.as_deref().unwrap_or("-")) }
                                    td { @if let Some(since) = plugin.since_ms { (words::ago(frame.now_ms, since)) } }
                                    td { (plugin.roles.join(", ")) }
                                    td .n { (plugin.calls.count) }
                                    td .n { (plugin.calls.failed) }
                                    td .n { @if let Some(took) = plugin.calls.p95_us { (words::micros(took)) } }
                                    td .why { bdi { (plugin.note.as_deref().unwrap_or("")) } }
                                }
                            }
                        }
                    }
                }
            }
            @if frame.may_change { div .row { (change("/plugins/reload", "Reload configuration and plugins", false, &[])) } }
            (download("/plugins.csv"))
            (command("frontgate plugin list"))
            (receipts(frame.now_ms, &self.receipts))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        Some(Table {
            name: "plugins",
            columns: vec!["plugin", "state", "version", "since", "roles", "calls", "failed", "note"],
            rows: self.plugins.iter().map(cells).collect(),
        })
    }
}

fn cells(plugin: &Plugin) -> Vec<String> {
    vec![
        plugin.name.clone(),
        plugin.state.to_owned(),
        cell(plugin.digest.as_deref()),
        plugin.since_ms.map(time).unwrap_or_default(),
        plugin.roles.join(" "),
        plugin.calls.count.to_string(),
        plugin.calls.failed.to_string(),
        cell(plugin.note.as_deref()),
    ]
}

fn sign(plugin: &Plugin) -> Markup {
    let class = match plugin.state {
        "live" => "sent",
        "on probation" | "loading" => "leased",
        _ => "failed",
    };
    html! { span class=(format!("state {class}")) { (plugin.state) } }
}

fn receipts(now_ms: i64, receipts: &[Receipt]) -> Markup {
    html! {
        @if !receipts.is_empty() {
            section .sheet {
                header { h2 { "Changes of plugins" } }
                ul .plain {
                    @for receipt in receipts {
                        li {
                            (words::ago(now_ms, receipt.time_ms)) " " b { bdi { (receipt.plugin) } } " "
                            @if let Some(digest) = &receipt.digest { code { (digest) } " " }
                            (receipt.outcome)
                            @if let Some(reason) = &receipt.reason { ": " bdi { (reason) } }
                        }
                    }
                }
            }
        }
    }
}

/// The view of one plugin.
#[derive(Debug, Serialize)]
pub struct PluginPage {
    /// The entry in the list.
    #[serde(flatten)]
    pub plugin: Plugin,
    /// Facts about the live version.
    pub facts: Vec<Fact>,
    /// Interfaces that the live version imports.
    pub imports: Vec<String>,
    /// First digits of the digests of stored versions, newest first.
    pub versions: Vec<String>,
    /// Changes of this plugin, newest first.
    pub receipts: Vec<Receipt>,
    /// Result of the last action.
    pub notice: Option<String>,
}

impl Page for PluginPage {
    fn title(&self) -> String {
        format!("Plugin {} is {}", self.plugin.name, self.plugin.state)
    }

    fn content(&self, frame: &Frame) -> Markup {
        let name = &self.plugin.name;
        html! {
            @if let Some(notice) = &self.notice { p .notice role="status" { bdi { (notice) } } }
            @if let Some(note) = &self.plugin.note { p .problem { bdi { (note) } } }
            @if frame.may_change {
                div .row {
                    @if let Some(waiting) = &self.plugin.waiting {
                        @if self.plugin.digest.is_some() {
                            (change(&format!("/plugins/{name}/compare"), &format!("Compare {waiting}"), false, &[]))
                        }
                        (change(&format!("/plugins/{name}/allow"), &format!("Allow {waiting}"), true, &[("digest", waiting)]))
                    }
                    @for version in self.versions.iter().filter(|version| Some(*version) != self.plugin.digest.as_ref()) {
                        (change(&format!("/plugins/{name}/rollback"), &format!("Roll back to {version}"), false, &[("digest", version)]))
                    }
                }
            }
            section .sheet { header { h2 { "Live version" } } div .pad { (facts(&self.facts)) } }
            @if !self.imports.is_empty() {
                section .sheet { header { h2 { "Interfaces that it uses" } } ul .plain { @for import in &self.imports { li { code { (import) } } } } }
            }
            (receipts(frame.now_ms, &self.receipts))
            (command(&format!("frontgate plugin history {name}")))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}
