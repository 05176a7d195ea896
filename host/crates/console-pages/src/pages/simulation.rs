//! A simulation: what would happen in a conversation, with the running configuration and plugins, and simulated platforms?

use maud::{Markup, html};
use serde::Serialize;

use super::parts::{change, command, state as sign};
use super::simulation_state::{PlayedCallback, SimulatedApp, SimulatedConversation, SimulatedMessage, SimulationState};
use crate::layout::{Frame, Page, json};
use crate::words;

/// Path of the page.
pub const SIMULATION_PATH: &str = "/simulator/conversations";

/// Faults with their names.
const FAULTS: [(&str, &str); 9] = [
    ("too-many-requests", "Twilio answers 429 twice"),
    ("lost-participant", "Twilio adds the next worker, and its answer is lost"),
    ("lost-message", "Twilio adds the next message, and its answer is lost"),
    ("slow", "Twilio's next answer takes 3 s"),
    ("front-unavailable", "Front answers 503 twice"),
    ("repeat", "Twilio sends its last webhook again"),
    ("repeat-front", "Front sends its last request again"),
    ("wrong-signature", "Twilio's next webhook has a wrong signature"),
    ("off", "End all faults"),
];

/// Name and label of a text field, its type, and its value.
type Input<'i> = (&'i str, &'i str, &'i str);

/// Whether a simulation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SimulationPhase {
    /// The configuration does not allow simulations.
    Off,
    /// None.
    None,
    /// Its process loads the plugins.
    Starting,
    /// It can be used.
    Running,
    /// Its process ended.
    Ended,
}

/// The view.
#[derive(Debug, Serialize)]
pub struct SimulationPage {
    /// Whether a simulation runs.
    pub phase: SimulationPhase,
    /// Tenants that can be simulated.
    pub tenants: Vec<String>,
    /// The simulated tenant.
    pub tenant: Option<String>,
    /// The person who started it.
    pub who: Option<String>,
    /// Why it ended, or cannot be started.
    pub reason: Option<String>,
    /// Result of the last action.
    pub notice: Option<String>,
    /// Why the last action was not possible.
    pub problem: Option<String>,
    /// What happens in it.
    #[serde(flatten)]
    pub state: Option<SimulationState>,
}

impl Page for SimulationPage {
    fn title(&self) -> String {
        let tenant = self.tenant.as_deref().unwrap_or_default();
        match self.phase {
            SimulationPhase::Off => "Simulations are off".to_owned(),
            SimulationPhase::None => "No simulation runs".to_owned(),
            SimulationPhase::Starting => format!("Simulation of {tenant}: starting"),
            SimulationPhase::Running => format!("Simulation of {tenant}"),
            SimulationPhase::Ended => format!("Simulation of {tenant}: ended"),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.phase, SimulationPhase::Starting | SimulationPhase::Running)
    }

    fn content(&self, frame: &Frame) -> Markup {
        html! {
            @if let Some(notice) = &self.notice { p .notice role="status" { bdi { (notice) } } }
            @if let Some(problem) = &self.problem { p .problem role="alert" { bdi { (problem) } } }
            @if let Some(reason) = &self.reason { p .problem role="alert" { bdi { (reason) } } }
            @if self.phase != SimulationPhase::Off { p .simulated { b { "Simulation" } " Simulated platforms, in a process of its own. Nothing of it reaches Twilio, Front or a provider: plugins only read from real services." } }
            @if let Some(state) = &self.state { (running(state)) } @else { (self.start()) }
            @if self.is_live() {
                div .row {
                    @if let Some(tenant) = &self.tenant { (change(&format!("{SIMULATION_PATH}/start"), "Start over", false, &[("tenant", tenant)])) }
                    (change(&format!("{SIMULATION_PATH}/end"), "End", false, &[]))
                }
                @if let Some(state) = &self.state {
                    p .quiet { "Ends by itself in " (words::duration(state.left_ms)) @if let Some(who) = &self.who { ". Started by " bdi { (who) } } "." }
                }
            }
            p { a href="/simulator" { "The worker's app: questions without a conversation" } }
            @if frame.may_change && self.phase != SimulationPhase::Off { (command("frontgate simulate")) }
        }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl SimulationPage {
    fn start(&self) -> Markup {
        match self.phase {
            SimulationPhase::Off => html! {
                p .lede { "Set " code { "simulator = \"full\"" } " in the section " code { "[console]" } ", then run " code { "frontgate reload" } "." }
            },
            SimulationPhase::Starting | SimulationPhase::Running => html! { p { "The plugins are loaded." } },
            SimulationPhase::None | SimulationPhase::Ended => html! {
                div .row {
                    @for tenant in &self.tenants {
                        (change(&format!("{SIMULATION_PATH}/start"), &format!("Start a simulation of {tenant}"), true, &[("tenant", tenant)]))
                    }
                }
            },
        }
    }
}

fn running(state: &SimulationState) -> Markup {
    let ours = state.numbers.first().map_or("", String::as_str);
    html! {
        (section("Customer's phone", &html! {
            (form("customer-writes", "Send", &[], &[("from", "Customer", "+12025550143"), ("to", "Company", ours), ("text", "Text", "")], &html! {
                label .field { "Over" select name="over" { option value="sms" { "SMS" } option value="whatsapp" { "WhatsApp" } } }
            }))
        }))
        @for conversation in state.conversations.iter().rev() { (worker(conversation)) }
        @for app in &state.apps { (inbox(app)) }
        (section("Faults", &html! {
            div .row { @for (fault, label) in FAULTS { (change(&format!("{SIMULATION_PATH}/fault"), label, false, &[("fault", fault)])) } }
        }))
        (section("Requests of plugins that were not sent", &html! {
            @if state.held.is_empty() { p .quiet { "None. GET and HEAD are sent." } }
            ul .plain { @for held in &state.held { li { "Plugin " bdi { (held.plugin) } " would have sent " code { bdi { (held.request) } } } } }
        }))
        (section("Callbacks", &callbacks(&state.callbacks)))
        (section("Deliveries of the simulated gateway", &deliveries(state)))
        (section("Requests to the simulated platforms", &requests(state)))
        @if !state.deviations.is_empty() {
            (section("Fields that Twilio does not know", &html! { ul .plain { @for deviation in &state.deviations { li { bdi { (deviation) } } } } }))
        }
    }
}

fn section(title: &str, content: &Markup) -> Markup {
    html! {
        section .sheet {
            header .simulated { h2 { (title) } small { "Simulation" } }
            div .pad { (content) }
        }
    }
}

/// A form with text fields.
fn form(action: &str, label: &str, hidden: &[(&str, &str)], inputs: &[Input<'_>], more: &Markup) -> Markup {
    html! {
        form .row action=(format!("{SIMULATION_PATH}/{action}")) method="post" data-change {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            @for (name, label, value) in inputs {
                label .field { (label) input name=(name) value=(value) autocomplete="off"; }
            }
            (more)
            button .main type="submit" disabled { (label) }
        }
    }
}

fn messages(messages: &[SimulatedMessage], receipts: bool) -> Markup {
    html! {
        ul .plain {
            @for message in messages {
                li class=[(!message.is_customers).then_some("ours")] {
                    b { bdi { (message.author) } } ": " bdi { (message.text) }
                    @if let Some(state) = &message.state { " " small { bdi { (state) } } }
                    @if receipts && !message.is_customers {
                        span .row {
                            @for (status, label) in [("delivered", "Report delivered"), ("read", "Report read"), ("undelivered", "Report undelivered")] {
                                (change(&format!("{SIMULATION_PATH}/receipt"), label, false, &[("message", &message.id), ("status", status)]))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn worker(conversation: &SimulatedConversation) -> Markup {
    let SimulatedConversation { sid, name, state, workers, customers, ours, messages: all } = conversation;
    let title = name.as_deref().unwrap_or("Conversation without a name");
    let worker = workers.first().map_or("", String::as_str);
    let customer = customers.first().map_or("", String::as_str);
    section(
        &format!("Conversation: {title}"),
        &html! {
            p .quiet {
                code { bdi { (sid) } } ", " (state) ". Workers: "
                @if workers.is_empty() { "none" } @else { bdi .worker-of { (workers.join(", ")) } }
                ". Customers: " bdi { (customers.join(", ")) } "."
            }
            (messages(all, true))
            (form("worker-answers", "Answer as worker", &[("conversation", sid)], &[("worker", "Worker", worker), ("text", "Text", "")], &html! {}))
            @if let Some(ours) = ours {
                (form("customer-writes", "Write as customer", &[("from", customer), ("to", ours), ("over", "as-before")], &[("text", "Text", "")], &html! {}))
            }
        },
    )
}

fn inbox(app: &SimulatedApp) -> Markup {
    let hidden = [("app", app.name.as_str())];
    section(
        &format!("Front's inbox: app {}, plugin {}", app.name, app.plugin),
        &html! {
            (form("connect", "Connect a channel", &hidden, &[("token", "Token that an admin enters", "")], &html! {}))
            @for channel in &app.channels {
                p {
                    code { bdi { (channel.id) } } " "
                    @match (channel.is_connected, channel.is_online) {
                        (false, _) => span .state .cancelled { "removed" },
                        (true, true) => span .state .sent { "connected" },
                        (true, false) => span .state .failed { "offline" },
                    }
                }
                @if channel.is_connected {
                    (form("teammate-writes", "Write as teammate", &[hidden[0], ("channel", &channel.id)], &[("to", "Customer", "+12025550143"), ("text", "Text", "")], &html! {}))
                }
            }
            @for conversation in app.conversations.iter().rev() {
                h3 { bdi { (conversation.id) } }
                (messages(&conversation.messages, false))
                (form("teammate-replies", "Reply as teammate", &[hidden[0], ("conversation", &conversation.id)], &[("text", "Text", "")], &html! {}))
            }
        },
    )
}

fn callbacks(all: &[PlayedCallback]) -> Markup {
    html! {
        @if all.is_empty() { p .quiet { "None yet." } } @else {
            div .scroll tabindex="0" role="region" aria-label="Callbacks" {
                table {
                    thead { tr { th { "Platform" } th { "Event" } th .n { "Answer" } th .n { "Duration" } th { "Of the deadline" } th { "The platform reports" } } }
                    tbody {
                        @for callback in all {
                            @let took_ms = callback.took_us / 1_000;
                            tr {
                                td { (callback.platform) }
                                td { bdi { (callback.event) } }
                                td .n { @match callback.status { Some(status) => (status), None => "none" } }
                                td .n { (words::micros(callback.took_us)) }
                                td { meter min="0" max=(callback.deadline_ms) value=(took_ms) aria-label="Duration against the deadline" {} " of " (words::duration(i64::try_from(callback.deadline_ms).unwrap_or_default())) }
                                td .why { @if let Some(problem) = &callback.problem { bdi { (problem) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn deliveries(state: &SimulationState) -> Markup {
    html! {
        @if state.deliveries.is_empty() { p .quiet { "None yet." } } @else {
            div .scroll tabindex="0" role="region" aria-label="Deliveries" {
                table {
                    thead { tr { th .n { "Id" } th { "Event" } th { "State" } th .n { "Attempts" } th { "Reason" } } }
                    tbody {
                        @for delivery in &state.deliveries {
                            tr {
                                td .n { (delivery.id) }
                                td { bdi { (delivery.event) } }
                                td { (sign(&delivery.state)) }
                                td .n { (delivery.attempts) }
                                td .why { @if let Some(reason) = &delivery.reason { bdi { (reason) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn requests(state: &SimulationState) -> Markup {
    html! {
        @if state.requests.is_empty() { p .quiet { "None yet." } } @else {
            div .scroll tabindex="0" role="region" aria-label="Requests" {
                table {
                    thead { tr { th { "Platform" } th { "Request" } th .n { "Answer" } th { "Effect" } th { "Fault" } } }
                    tbody {
                        @for request in &state.requests {
                            tr {
                                td { (request.platform) }
                                td .why { code { bdi { (request.method) " " (request.path) } } }
                                td .n { @match request.status { Some(status) => (status), None => "none" } }
                                td { @if request.acted { "yes" } @else { "no" } }
                                td { @if let Some(fault) = &request.fault { bdi { (fault) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
