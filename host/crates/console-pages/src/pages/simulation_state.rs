//! What happens in a simulation: the simulated platforms, and the gateway between them.
//!
//! The process of the simulation writes it as JSON, and the console reads it.

use serde::{Deserialize, Serialize};

/// The state of a running simulation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SimulationState {
    /// Milliseconds until the simulation ends.
    pub left_ms: i64,
    /// Numbers of the company.
    pub numbers: Vec<String>,
    /// Conversations of the simulated Twilio, oldest first.
    pub conversations: Vec<SimulatedConversation>,
    /// Simulated Front apps.
    pub apps: Vec<SimulatedApp>,
    /// Requests of the platforms to the gateway, newest first.
    pub callbacks: Vec<PlayedCallback>,
    /// Requests of the gateway to the platforms, newest first.
    pub requests: Vec<SimulatedRequest>,
    /// Deliveries of the gateway, newest first.
    pub deliveries: Vec<SimulatedDelivery>,
    /// Requests of plugins that were not sent, newest first.
    pub held: Vec<HeldBack>,
    /// Fields of requests that Twilio's description does not have.
    pub deviations: Vec<String>,
}

/// A conversation of the simulated Twilio.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedConversation {
    /// SID of the conversation.
    pub sid: String,
    /// Its name, as the worker's app shows it.
    pub name: Option<String>,
    /// State of the conversation.
    pub state: String,
    /// Identities of workers.
    pub workers: Vec<String>,
    /// Addresses of customers.
    pub customers: Vec<String>,
    /// Address of the company.
    pub ours: Option<String>,
    /// Messages, oldest first.
    pub messages: Vec<SimulatedMessage>,
}

/// A message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedMessage {
    /// Id of the message.
    pub id: String,
    /// The author.
    pub author: String,
    /// The text.
    pub text: String,
    /// Whether a customer wrote it.
    pub is_customers: bool,
    /// Delivery receipt, or the state that Front shows.
    pub state: Option<String>,
}

/// A Front app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedApp {
    /// Name of the app.
    pub name: String,
    /// Name of the plugin for its channels.
    pub plugin: String,
    /// Channels.
    pub channels: Vec<SimulatedChannel>,
    /// Conversations, oldest first.
    pub conversations: Vec<SimulatedInbox>,
}

/// A channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedChannel {
    /// Id of the channel.
    pub id: String,
    /// Whether it is connected.
    pub is_connected: bool,
    /// Whether the gateway reports it as working.
    pub is_online: bool,
}

/// A conversation in Front's inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedInbox {
    /// Id of the conversation.
    pub id: String,
    /// Id of its channel.
    pub channel: String,
    /// Messages, oldest first.
    pub messages: Vec<SimulatedMessage>,
}

/// A request of a platform to the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlayedCallback {
    /// `Twilio` or `Front`.
    pub platform: String,
    /// Name of the event.
    pub event: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Duration in microseconds.
    pub took_us: u64,
    /// Time in milliseconds for which the platform waits.
    pub deadline_ms: u64,
    /// What the platform would report.
    pub problem: Option<String>,
}

/// A request of the gateway to a platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedRequest {
    /// `Twilio` or `Front`.
    pub platform: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Status of the answer; `None` if the caller got none.
    pub status: Option<u16>,
    /// Whether it had an effect.
    pub acted: bool,
    /// The fault that hit it.
    pub fault: Option<String>,
}

/// A delivery of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulatedDelivery {
    /// Id of the delivery.
    pub id: i64,
    /// Name of the event.
    pub event: String,
    /// The state.
    pub state: String,
    /// Number of attempts.
    pub attempts: u32,
    /// Reason for the state.
    pub reason: Option<String>,
}

/// A request of a plugin that was not sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldBack {
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// Name of the plugin.
    pub plugin: String,
    /// Method, site, path and size.
    pub request: String,
}
