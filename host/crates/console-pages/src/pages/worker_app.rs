//! The worker's app: what would a worker see? Each screen asks the running gateway as Frontline does.

use maud::{Markup, html};
use serde::Serialize;

use super::parts::change;
use crate::layout::{Frame, Page, json};
use crate::personal::Personal;
use crate::words::{self, encoded};

/// The view of the entry.
#[derive(Debug, Serialize)]
pub struct Simulator {
    /// Tenants with callbacks of Twilio; empty if the simulator is off.
    pub tenants: Vec<String>,
    /// Whether the configuration allows the simulator.
    pub is_on: bool,
}

impl Page for Simulator {
    fn title(&self) -> String {
        if self.is_on { "See what a worker sees".to_owned() } else { "The simulator is off".to_owned() }
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @if !self.is_on {
                p .lede { "Set " code { "simulator = \"ask\"" } " in the section " code { "[console]" } ", then run " code { "frontgate reload" } "." }
            } @else {
                p .lede { "The app asks this gateway for customers, templates and numbers, with the tenant's own key, as Frontline does: what a plugin stores or sends for such a question is real. It shows customers in clear text, so opening it is recorded." }
                @if !frame.may_change { p .quiet { "This needs the role operator." } }
                @else {
                    section .sheet {
                        header { h2 { "Open the app of a worker" } }
                        form .pad .row action="/simulator/open" method="post" data-change {
                            label { "Tenant " select name="tenant" { @for tenant in &self.tenants { option { (tenant) } } } }
                            label { "Worker " input name="worker" required maxlength="256" placeholder="ana@example.org"; }
                            button .main type="submit" disabled { "Open" }
                        }
                    }
                    p { a href="/simulator/conversations" { "Simulate whole conversations" } }
                }
            }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

/// A question that the app asked.
#[derive(Debug, Serialize)]
pub struct AppExchange {
    /// The callback and its location.
    pub name: String,
    /// HTTP status; `None` without a response.
    pub status: Option<u16>,
    /// Stable code of the error.
    pub code: Option<String>,
    /// Duration in microseconds.
    pub took_us: u64,
    /// Twilio's deadline in milliseconds.
    pub deadline_ms: u64,
    /// Size of the answer in bytes.
    pub bytes: u64,
    /// What Twilio would log.
    pub twilio: Option<&'static str>,
    /// Id of the request.
    pub request: Option<String>,
}

/// A customer in the list.
#[derive(Debug, Serialize)]
pub struct AppCustomer {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: Personal,
}

/// A link of a customer.
#[derive(Debug, Serialize)]
pub struct AppLink {
    /// Its kind.
    pub kind: String,
    /// Its label.
    pub label: Personal,
    /// Its target.
    pub target: Personal,
}

/// The page of one customer.
#[derive(Debug, Serialize)]
pub struct AppCustomerPage {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: Personal,
    /// Kind and address of each channel.
    pub channels: Vec<(String, Personal)>,
    /// Paths that ask for the number of a new conversation, one for each channel.
    #[serde(skip)]
    pub begin: Vec<String>,
    /// Links.
    pub links: Vec<AppLink>,
    /// Title and content of the details.
    pub details: Option<(Personal, Personal)>,
    /// Categories with their templates; each with whether WhatsApp has approved it.
    pub templates: Vec<(String, Vec<(Personal, bool)>)>,
    /// The number from which a new conversation starts.
    pub proxy: Option<Personal>,
}

/// What the app shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppScreen {
    /// My customers.
    Customers {
        /// The search text.
        query: String,
        /// Whether the app has a search field.
        is_searchable: bool,
        /// The rows.
        customers: Vec<AppCustomer>,
        /// Path of the next page.
        #[serde(skip)]
        next: Option<String>,
    },
    /// One customer.
    Customer(Box<AppCustomerPage>),
    /// The answer could not be used.
    Nothing,
}

/// The view of a worker's app.
#[derive(Debug, Serialize)]
pub struct WorkerApp {
    /// Number of the app.
    pub number: u64,
    /// The tenant.
    pub tenant: String,
    /// The worker.
    pub worker: String,
    /// What it shows.
    pub screen: AppScreen,
    /// Questions that it asked.
    pub exchanges: Vec<AppExchange>,
}

impl Page for WorkerApp {
    fn title(&self) -> String {
        match &self.screen {
            AppScreen::Customers { .. } => format!("My customers, as {} sees them", self.worker),
            AppScreen::Customer(_) => format!("A customer, as {} sees them", self.worker),
            AppScreen::Nothing => format!("Nothing to show for {}", self.worker),
        }
    }

    fn content(&self, _: &Frame) -> Markup {
        let path = format!("/simulator/apps/{}", self.number);
        html! {
            p .simulated { b { "Simulation. " } "Real customers of " bdi { (self.tenant) } ", in clear text. What Frontline itself shows after an error is not documented." }
            section .sheet .phone {
                @match &self.screen {
                    AppScreen::Customers { query, is_searchable, customers, next } => {
                        header { h2 { "My customers" } }
                        @if *is_searchable {
                            form .pad .row action=(path) method="get" {
                                label { "Search " input type="search" name="q" value=(query); }
                                button type="submit" { "Search" }
                            }
                        }
                        ul .plain { @for customer in customers {
                            li { a href=(format!("{path}?customer={}", encoded(&customer.id))) { (initials(&customer.name)) " " (customer.name) } }
                        } }
                        @if customers.is_empty() { p .pad .quiet { "No customers." } }
                        @if let Some(next) = next { p .pad { a .button href=(next) rel="next" { "Scroll on" } } }
                    }
                    AppScreen::Customer(customer) => (customer_page(&path, customer)),
                    AppScreen::Nothing => p .pad .quiet { "The answer has nothing that the app could show." },
                }
            }
            section .sheet {
                header { h2 { "What the app asked" } }
                div .scroll tabindex="0" role="region" aria-label="Questions" {
                    table {
                        thead { tr { th { "Callback" } th .n { "Status" } th .n { "Size" } th .n { "Duration" } th { "Twilio would log" } } }
                        tbody { @for one in &self.exchanges { (exchange(one)) } }
                    }
                }
            }
            (change("/simulator/open", "Open again", false, &[("tenant", &self.tenant), ("worker", &self.worker)]))
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

/// Returns the first letters of a name, in place of a picture from elsewhere.
fn initials(name: &Personal) -> Markup {
    let visible = name.visible();
    let letters: String = visible.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
    html! { span .state aria-hidden="true" { (letters) } }
}

fn customer_page(path: &str, customer: &AppCustomerPage) -> Markup {
    html! {
        header { h2 { (customer.name) } span .push {} a href=(path) { "My customers" } }
        @for ((kind, address), begin) in customer.channels.iter().zip(&customer.begin) {
            p .pad { (kind) " " span .mono { (address) } " " a href=(begin) { "New conversation" } }
        }
        @if let Some(proxy) = &customer.proxy { p .pad { "The conversation would start from " b .mono { (proxy) } "." } }
        @for link in &customer.links { p .pad { (link.kind) " " (link.label) ": " span .mono { (link.target) } } }
        @if let Some((title, content)) = &customer.details { h3 .pad { (title) } p .pad { (content) } }
        @for (category, templates) in &customer.templates {
            h3 .pad { (category) }
            ul .plain { @for (text, is_approved) in templates {
                li { (text) @if *is_approved { " " span .state { "approved for WhatsApp" } } }
            } }
        }
    }
}

fn exchange(one: &AppExchange) -> Markup {
    html! {
        tr .simulated {
            td { @match &one.request { Some(id) => a href=(format!("/events/{id}")) { (one.name) }, None => (one.name) } }
            td .n { @match one.status { Some(status) => (status), None => "-" } @if let Some(code) = &one.code { " " (code) } }
            td .n { (words::bytes(one.bytes)) }
            td .n { (words::micros(one.took_us)) " of " (words::duration(i64::try_from(one.deadline_ms).unwrap_or(i64::MAX))) }
            td { @match one.twilio { Some(text) => (text), None => "nothing" } }
        }
    }
}
