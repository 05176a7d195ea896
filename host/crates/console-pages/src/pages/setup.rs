//! Setup: which URL belongs where, and has it ever been called?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{change, command, copy};
use crate::layout::{Frame, Page, json};
use crate::words;

/// An address of the gateway.
#[derive(Debug, Clone, Serialize)]
pub struct Address {
    /// Its name, such as `CRM callback`.
    pub name: String,
    /// Where it belongs at the platform.
    pub place: String,
    /// The URL; a secret part is `•••` unless it is shown.
    pub url: String,
    /// Whether a part of the URL is hidden.
    pub is_masked: bool,
    /// The last accepted request that is recorded.
    pub heard: Option<Heard>,
    /// Refused requests after it.
    pub refused: Option<Refused>,
}

/// An accepted request.
#[derive(Debug, Clone, Serialize)]
pub struct Heard {
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// Label of the key that verified it.
    pub key: Option<String>,
    /// Path of its page.
    pub link: String,
}

/// Refused requests since the last accepted one.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    /// Their number, as far as they are recorded.
    pub count: u64,
    /// Time of the last one, in milliseconds since 1970.
    pub time_ms: i64,
    /// Why it was refused, masked.
    pub reason: String,
    /// What corrects it, if that is known.
    pub fix: Option<Fix>,
    /// Path of its page.
    pub link: String,
}

/// A correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What to do.
    pub text: String,
    /// Lines of the configuration that do it.
    pub line: Option<String>,
}

/// A key that verifies requests.
#[derive(Debug, Clone, Serialize)]
pub struct KeyUse {
    /// Its label, such as `auth_tokens[0]`.
    pub key: String,
    /// Requests that it verified since the gateway started.
    pub uses: u64,
    /// Time of the last recorded one, in milliseconds since 1970.
    pub last_ms: Option<i64>,
}

/// What a check of the platform found.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// What it means.
    pub verdict: AskedVerdict,
    /// The object.
    pub subject: String,
    /// The finding.
    pub text: String,
    /// The correction.
    pub fix: Option<String>,
}

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedVerdict {
    /// As needed.
    Good,
    /// Deserves a look.
    Warning,
    /// No answer.
    Unanswered,
    /// Something does not work.
    Problem,
    /// A person has to compare it.
    ByHand,
}

impl AskedVerdict {
    /// Returns the class and the word of its sign.
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Good => ("state sent", "as needed"),
            Self::Warning => ("state ready", "look"),
            Self::Unanswered => ("state unknown", "no answer"),
            Self::Problem => ("state failed", "wrong"),
            Self::ByHand => ("state cancelled", "compare by hand"),
        }
    }
}

/// The setup of one tenant.
#[derive(Debug, Clone, Serialize)]
pub struct TenantSetup {
    /// The tenant.
    pub tenant: String,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its keys.
    pub keys: Vec<KeyUse>,
}

impl TenantSetup {
    fn count(&self, is_counted: impl Fn(&Address) -> bool) -> u64 {
        u64::try_from(self.addresses.iter().filter(|address| is_counted(address)).count()).unwrap_or_default()
    }

    fn heard(&self) -> u64 {
        self.count(|address| address.heard.is_some())
    }

    fn refused(&self) -> u64 {
        self.count(|address| address.refused.is_some())
    }

    fn last_ms(&self) -> Option<i64> {
        self.addresses.iter().filter_map(|address| Some(address.heard.as_ref()?.time_ms)).max()
    }

    fn sentence(&self) -> String {
        match (self.refused(), self.heard(), self.addresses.len()) {
            (0, 0, _) => "No address has been called yet".to_owned(),
            (0, heard, all) => format!("{heard} of {all} addresses have been called"),
            (refused, ..) => format!("Requests to {} are refused", words::count(refused, "address", "addresses")),
        }
    }
}

/// The view of all tenants.
#[derive(Debug, Serialize)]
pub struct Setup {
    /// The tenants.
    pub tenants: Vec<TenantSetup>,
}

impl Page for Setup {
    fn title(&self) -> String {
        let sum = |of: fn(&TenantSetup) -> u64| self.tenants.iter().map(of).sum::<u64>();
        match (sum(TenantSetup::refused), sum(TenantSetup::heard)) {
            (0, 0) => "No address has been called yet".to_owned(),
            (0, heard) => format!("{} been called", words::count(heard, "address has", "addresses have")),
            (refused, _) => format!("Requests to {} are refused", words::count(refused, "address", "addresses")),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            p .lede { "Which URL belongs where, and has it ever been called? Requests are known as long as they are recorded." }
            section .sheet {
                div .scroll tabindex="0" role="region" aria-label="Tenants" {
                    table {
                        thead { tr { th { "Tenant" } th .n { "Addresses" } th .n { "Called" } th { "Refused" } th { "Last request" } } }
                        tbody {
                            @for setup in &self.tenants {
                                tr {
                                    td { a href=(path(&setup.tenant)) { bdi { (setup.tenant) } } }
                                    td .n { (setup.addresses.len()) }
                                    td .n { (setup.heard()) }
                                    td { @if setup.refused() > 0 { span .state .failed { (words::count(setup.refused(), "address", "addresses")) } } }
                                    td { @if let Some(last) = setup.last_ms() { (words::ago(frame.now_ms, last)) } @else { small { "None recorded" } } }
                                }
                            }
                        }
                    }
                }
            }
            (command("frontgate check --online"))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

fn path(tenant: &str) -> String {
    format!("/setup/{}", words::encoded(tenant))
}

/// The view of one tenant.
#[derive(Debug, Serialize)]
pub struct SetupPage {
    /// Addresses and keys.
    #[serde(flatten)]
    pub setup: TenantSetup,
    /// What Twilio answered, if it was asked for this page.
    pub asked: Option<Vec<Asked>>,
    /// Result of the last action.
    pub notice: Option<String>,
    /// Whether the secret parts of URLs are shown.
    pub is_revealed: bool,
    /// Milliseconds for which they are shown.
    pub reveal_ms: u64,
}

impl Page for SetupPage {
    fn title(&self) -> String {
        format!("{}: {}", self.setup.tenant, self.setup.sentence())
    }

    fn is_live(&self) -> bool {
        // What Twilio said, and what is shown for a minute, must not be replaced.
        self.asked.is_none() && !self.is_revealed
    }

    fn content(&self, frame: &Frame) -> Markup {
        let path = path(&self.setup.tenant);
        let is_masked = self.setup.addresses.iter().any(|address| address.is_masked);
        html! {
            @if let Some(notice) = &self.notice { p .notice role="status" { bdi { (notice) } } }
            @if self.is_revealed { p .problem data-hide-after=(self.reveal_ms) { "Secret parts are shown for " (words::duration(i64::try_from(self.reveal_ms).unwrap_or(i64::MAX))) ". The look is recorded." } }
            div .row {
                @if frame.may_change { (change(&format!("{path}/ask"), "Ask Twilio now", true, &[])) }
                @if frame.may_reveal && is_masked { (change(&format!("{path}/show"), "Show secret parts", false, &[])) }
            }
            @if let Some(asked) = &self.asked { (answers(asked)) }
            section .sheet {
                header { h2 { "Addresses" } }
                div .scroll tabindex="0" role="region" aria-label="Addresses" {
                    table {
                        thead { tr { th { "Address" } th { "URL" } th { "Last request" } } }
                        tbody { @for address in &self.setup.addresses { (row(frame.now_ms, address)) } }
                    }
                }
            }
            (keys(frame.now_ms, &self.setup.keys))
            (command(&format!("frontgate setup twilio --tenant {}", self.setup.tenant)))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

fn row(now_ms: i64, address: &Address) -> Markup {
    html! {
        tr {
            td { b { (address.name) } br; small { bdi { (address.place) } } }
            td .why {
                code { bdi { (address.url) } } " "
                @if !address.is_masked { (copy(&address.url, &address.name)) }
            }
            td .why {
                @if let Some(refused) = &address.refused { (refusal(now_ms, refused)) }
                @match &address.heard {
                    Some(heard) => {
                        @if address.refused.is_none() { span .state .sent { "heard" } " " }
                        @else { "Heard before: " }
                        a href=(heard.link) { (words::ago(now_ms, heard.time_ms)) }
                        @if let Some(key) = &heard.key { ", verified by " code { bdi { (key) } } }
                    },
                    None if address.refused.is_none() => small { "None recorded" },
                    None => {},
                }
            }
        }
    }
}

fn refusal(now_ms: i64, refused: &Refused) -> Markup {
    html! {
        span .state .failed { "refused" } " "
        (words::count(refused.count, "time, ", "times, last "))
        a href=(refused.link) { (words::ago(now_ms, refused.time_ms)) } ": "
        bdi { (refused.reason) }
        @if let Some(fix) = &refused.fix {
            p { b { bdi { (fix.text) } } }
            @if let Some(line) = &fix.line { pre { (line) } p { (copy(line, "the lines")) } }
        }
    }
}

fn answers(asked: &[Asked]) -> Markup {
    html! {
        section .sheet {
            header { h2 { "What Twilio says" } }
            div .scroll tabindex="0" role="region" aria-label="What Twilio says" {
                table {
                    thead { tr { th { "Verdict" } th { "About" } th { "Finding" } } }
                    tbody {
                        @for one in asked {
                            @let (class, word) = one.verdict.sign();
                            tr {
                                td { span class=(class) { (word) } }
                                td { bdi { (one.subject) } }
                                td .why { bdi { (one.text) } @if let Some(fix) = &one.fix { br; b { bdi { (fix) } } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn keys(now_ms: i64, keys: &[KeyUse]) -> Markup {
    html! {
        @if !keys.is_empty() {
            section .sheet {
                header { h2 { "Keys" } }
                div .scroll tabindex="0" role="region" aria-label="Keys" {
                    table {
                        thead { tr { th { "Key" } th .n { "Requests since the start" } th { "Last request" } } }
                        tbody {
                            @for key in keys {
                                tr {
                                    td { code { bdi { (key.key) } } }
                                    td .n { (words::number(key.uses)) }
                                    td {
                                        @match (key.uses, key.last_ms) {
                                            (_, Some(last)) => (words::ago(now_ms, last)),
                                            (0, None) => small { "Unused since the start: a replaced key can be removed" },
                                            (_, None) => small { "No longer recorded" },
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
