//! Channels of Front: does each work in both directions?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{By, Fact, change, command, download, facts, history, next};
use crate::csv::{Table, cell, time};
use crate::layout::{Frame, Page, json};
use crate::words;

/// A channel in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Channel {
    /// Row id.
    pub id: i64,
    /// The tenant.
    pub tenant: String,
    /// Name of the app.
    pub app: String,
    /// Front's id.
    pub channel: String,
    /// Its state.
    pub state: &'static str,
    /// Time of the last change of state, in milliseconds since 1970.
    pub since_ms: i64,
    /// Number of open messages to the provider.
    pub to_provider: u64,
    /// Number of open messages to Front.
    pub to_front: u64,
    /// Whether Front shows the channel as offline.
    pub is_offline: bool,
    /// Why the last check failed, masked.
    pub reason: Option<String>,
}

/// The view of the list.
#[derive(Debug, Serialize)]
pub struct Channels {
    /// Channels that are not removed.
    pub channels: Vec<Channel>,
    /// Number of all channels that Front shows as offline.
    pub offline: u64,
    /// Path of the next page.
    pub next: Option<String>,
}

impl Page for Channels {
    fn title(&self) -> String {
        match (self.channels.len(), self.offline) {
            (0, _) => "No channel is connected".to_owned(),
            (_, 0) => "All channels work".to_owned(),
            (_, offline) => format!("{} offline", words::count(offline, "channel is", "channels are")),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @if self.channels.is_empty() {
                p .lede { "An admin connects a channel in Front, under Settings, Channels." }
            } @else {
                section .sheet {
                    div .scroll tabindex="0" role="region" aria-label="Channels" {
                        table {
                            thead { tr { th { "Tenant" } th { "App" } th { "Channel" } th { "State" } th { "Since" } th .n { "To the provider" } th .n { "To Front" } } }
                            tbody {
                                @for channel in &self.channels {
                                    tr {
                                        td { bdi { (channel.tenant) } }
                                        td { bdi { (channel.app) } }
                                        td { a .mono href=(format!("/channels/{}", channel.id)) { bdi { (channel.channel) } } }
                                        td { (sign(channel)) @if let Some(reason) = &channel.reason { br; small { bdi { (reason) } } } }
                                        td { (words::ago(frame.now_ms, channel.since_ms)) }
                                        td .n { (words::number(channel.to_provider)) }
                                        td .n { (words::number(channel.to_front)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            (next(self.next.as_deref(), "More"))
            (download("/channels.csv"))
            (command("frontgate channels list"))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }

    fn csv(&self) -> Option<Table> {
        Some(Table {
            name: "channels",
            columns: vec!["tenant", "app", "channel", "state", "offline", "since", "to_provider", "to_front", "reason"],
            rows: self.channels.iter().map(cells).collect(),
        })
    }
}

fn cells(channel: &Channel) -> Vec<String> {
    vec![
        channel.tenant.clone(),
        channel.app.clone(),
        channel.channel.clone(),
        channel.state.to_owned(),
        channel.is_offline.to_string(),
        time(channel.since_ms),
        channel.to_provider.to_string(),
        channel.to_front.to_string(),
        cell(channel.reason.as_deref()),
    ]
}

fn sign(channel: &Channel) -> Markup {
    match (channel.is_offline, channel.state) {
        (true, _) => html! { span .state .failed { "offline" } },
        (false, "connected") => html! { span .state .sent { "connected" } },
        (false, other) => html! { span .state .ready { (other) } },
    }
}

/// The view of one channel.
#[derive(Debug, Serialize)]
pub struct ChannelPage {
    /// The entry in the list.
    #[serde(flatten)]
    pub channel: Channel,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Actions of people.
    pub actions: Vec<By>,
    /// Result of the last action.
    pub notice: Option<String>,
}

impl Page for ChannelPage {
    fn title(&self) -> String {
        let word = if self.channel.is_offline { "offline" } else { self.channel.state };
        format!("Channel {} is {word}", self.channel.channel)
    }

    fn content(&self, frame: &Frame) -> Markup {
        let id = self.channel.id;
        html! {
            @if let Some(notice) = &self.notice { p .notice role="status" { bdi { (notice) } } }
            @if let Some(reason) = &self.channel.reason { p .problem { bdi { (reason) } } }
            @if frame.may_change && self.channel.state != "removed" {
                div .row {
                    (change(&format!("/channels/{id}/check"), "Check now", true, &[]))
                    (change(&format!("/channels/{id}/disconnect"), "Disconnect", false, &[("confirm", "Messages that wait are reported to Front as failed.")]))
                }
            }
            section .sheet { header { h2 { "Facts" } } div .pad { (facts(&self.facts)) } }
            (history(frame.now_ms, &self.actions))
            (command(&format!("frontgate channels show {}", self.channel.channel)))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}
