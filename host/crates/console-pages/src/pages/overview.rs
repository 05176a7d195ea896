//! Overview: does something need a decision, and how near is each callback to the platform's deadline?

use maud::{Markup, html};
use serde::Serialize;

use crate::layout::{Frame, Page, json};
use crate::{charts, words};

/// How serious an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Customers or teammates are affected now.
    Bad,
    /// The outcome of something is not known.
    Unknown,
    /// A decision is due.
    Wait,
}

/// An item that needs attention.
#[derive(Debug, Clone, Serialize)]
pub struct Attention {
    /// How serious it is.
    pub level: Level,
    /// What is the case, a sentence.
    pub what: String,
    /// Why, and what happens without a decision.
    pub why: String,
    /// Path of the page with the decision.
    pub link: String,
    /// Label of the link.
    pub label: &'static str,
}

/// One callback of one tenant.
#[derive(Debug, Clone, Serialize)]
pub struct CallbackRow {
    /// The tenant.
    pub tenant: String,
    /// Name of the callback.
    pub callback: String,
    /// Requests over time, oldest first.
    pub counts: Vec<u64>,
    /// Failed requests over time.
    pub errors: Vec<u64>,
    /// Requests in the last minute.
    pub per_minute: u64,
    /// Requests in the period.
    pub total: u64,
    /// Failed requests in the period.
    pub failed: u64,
    /// Median duration in microseconds.
    pub p50_us: u64,
    /// 95th percentile of the duration in microseconds.
    pub p95_us: u64,
    /// The platform's deadline in milliseconds.
    pub deadline_ms: u64,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// Items that need attention, the most serious first.
    pub attention: Vec<Attention>,
    /// Callbacks of all tenants.
    pub callbacks: Vec<CallbackRow>,
    /// Number of deliveries that are not finished.
    pub open: u64,
    /// Age of the oldest of them in milliseconds.
    pub oldest_ms: Option<i64>,
    /// Whether the charts show the last hour; otherwise 24 hours.
    pub is_hour: bool,
    /// Time of the last request, in milliseconds since 1970.
    pub last_ms: Option<i64>,
}

impl Overview {
    fn total(&self) -> (u64, u64) {
        (self.callbacks.iter().map(|row| row.total).sum(), self.callbacks.iter().map(|row| row.failed).sum())
    }
}

/// Returns a share in percent with two digits.
#[expect(clippy::cast_precision_loss, reason = "a share that people read")]
fn percent(part: u64, whole: u64) -> String {
    format!("{:.2} %", if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 })
}

/// Returns the part of the deadline that is left at the 95th percentile, in percent.
fn headroom(row: &CallbackRow) -> u64 {
    let deadline = (row.deadline_ms * 1_000).max(1);
    100 - (row.p95_us.min(deadline) * 100 / deadline)
}

impl Page for Overview {
    fn title(&self) -> String {
        match self.attention.len() {
            0 if self.last_ms.is_none() => "No callback has arrived yet".to_owned(),
            0 => "Nothing needs attention".to_owned(),
            many => {
                let many = u64::try_from(many).unwrap_or(u64::MAX);
                format!("{} attention", words::count(many, "item needs", "items need"))
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede {
                @match self.last_ms {
                    Some(last) => { "Last callback " (words::ago(frame.now_ms, last)) "." },
                    None => {
                        "Enter the gateway's addresses at Twilio or Front: " a href="/setup" { "Setup" }
                        " lists them, and says why a request is refused. Requests appear here and under "
                        a href="/live" { "Live" } "."
                    },
                }
            }
            @if !self.attention.is_empty() { (self.attention_list()) }
            (self.numbers(frame))
            @if !self.callbacks.is_empty() { (self.table()) }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl Overview {
    fn attention_list(&self) -> Markup {
        html! {
            section .sheet aria-label="Needs attention" {
                ul .attention {
                    @for item in &self.attention {
                        @let (sign, class) = match item.level {
                            Level::Bad => ("✕", "sign failed-sign"),
                            Level::Unknown => ("?", "sign unknown-sign"),
                            Level::Wait => ("◷", "sign ready-sign"),
                        };
                        li {
                            span class=(class) aria-hidden="true" { (sign) }
                            span { b { bdi { (item.what) } } " " bdi { (item.why) } }
                            a .button href=(item.link) { (item.label) }
                        }
                    }
                }
            }
        }
    }

    fn numbers(&self, frame: &Frame) -> Markup {
        let (total, failed) = self.total();
        let per_minute = self.callbacks.iter().map(|row| row.per_minute).sum();
        let nearest = self.callbacks.iter().filter(|row| row.total > 0).min_by_key(|row| headroom(row));
        let period = if self.is_hour { "last hour" } else { "last 24 hours" };
        html! {
            section .sheet .now aria-label="Numbers" {
                div { "Callbacks in the last minute" b { (words::number(per_minute)) } small { (words::number(total)) ", " (period) } }
                div {
                    "Answered" b { @if total == 0 { "-" } @else { (percent(total - failed, total)) } }
                    small { (words::number(failed)) " failed or refused, " (period) }
                }
                div {
                    "Least time left"
                    @match nearest {
                        Some(row) => {
                            b { (headroom(row)) " %" }
                            small { bdi { (row.tenant) } " " (row.callback) ": 95 % within " (words::micros(row.p95_us)) " of " (words::duration(i64::try_from(row.deadline_ms).unwrap_or(i64::MAX))) }
                        },
                        None => { b { "-" } small { "No callbacks" } },
                    }
                }
                div {
                    "Deliveries that wait" b { (words::number(self.open)) }
                    small { @if let Some(oldest) = self.oldest_ms { "Oldest: " (words::ago(frame.now_ms, oldest)) } @else { "None" } }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            section .sheet {
                header {
                    h2 { "Callbacks, and how near each is to the platform's deadline" }
                    span .push {}
                    a .chip href="/" aria-current=[(!self.is_hour).then_some("true")] { "24 h" }
                    a .chip href="/?period=hour" aria-current=[self.is_hour.then_some("true")] { "1 h" }
                }
                div .scroll tabindex="0" role="region" aria-label="Callbacks" {
                    table {
                        thead { tr { th { "Tenant" } th { "Callback" } th { @if self.is_hour { "1 hour" } @else { "24 hours" } } th .n { "Last minute" } th .n { "Failed" } th { "50 % to 95 %, up to the deadline" } } }
                        tbody {
                            @for row in &self.callbacks {
                                tr {
                                    td { b { bdi { (row.tenant) } } }
                                    td { a href=(format!("/live?q=tenant:{}+callback:{}", row.tenant, row.callback)) { (row.callback) } }
                                    td { (charts::sparkline(&row.counts, &row.errors, &format!("{} requests", words::number(row.total)))) }
                                    td .n { (words::number(row.per_minute)) }
                                    td .n { @if row.failed > 0 { span .state .failed { (percent(row.failed, row.total)) } } @else { (percent(0, 1)) } }
                                    td { (durations(row)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns how near a callback is to the platform's deadline.
fn durations(row: &CallbackRow) -> Markup {
    if row.total == 0 {
        return html! { small { "No request yet" } };
    }
    let (p50, p95) = (words::micros(row.p50_us), words::micros(row.p95_us));
    let deadline = words::duration(i64::try_from(row.deadline_ms).unwrap_or(i64::MAX));
    let text = format!("{p50} to {p95} of {deadline}");
    html! { (charts::gauge(row.p50_us, row.p95_us, row.deadline_ms * 1_000, &text)) small { (text) } }
}
