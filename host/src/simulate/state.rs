//! What has happened in a simulation, for the console's page.

use std::time::Duration;

use frontgate_console_pages::pages::{
    HeldBack, PlayedCallback, SimulatedApp, SimulatedChannel, SimulatedConversation, SimulatedDelivery, SimulatedInbox,
    SimulatedMessage, SimulatedRequest, SimulationState,
};
use frontgate_delivery::store::queue_admin::{DeliveryFilter, DeliverySummary, QueueAdmin};
use frontgate_runtime::{HeldRequest, HeldRequests};
use frontgate_simulators::front::{self, MessageState};
use frontgate_simulators::twilio;

use super::platforms::{App, Platforms};

/// Entries of each list.
const ROWS_MAX: usize = 50;

/// Time for which Twilio waits for Conversations webhooks, for routing, and for calls; and Front for its requests.
const CONVERSATIONS_MS: u64 = 5_000;
const ROUTING_MS: u64 = 6_000;
const VOICE_MS: u64 = 15_000;
const FRONT_MS: u64 = 7_000;

/// Collects the state. Reads the database of the simulated gateway.
pub(super) fn of(
    platforms: &Platforms,
    held: &HeldRequests,
    store: &str,
    left: Duration,
) -> anyhow::Result<SimulationState> {
    let settings = frontgate_store::Settings { url: store.to_owned(), ..Default::default() };
    let most = u32::try_from(ROWS_MAX).unwrap_or(u32::MAX);
    let deliveries = QueueAdmin::open(&settings)?.list(&DeliveryFilter::default(), most)?;
    let mut state = platforms.twilio.look(|state| SimulationState {
        left_ms: i64::try_from(left.as_millis()).unwrap_or(i64::MAX),
        numbers: platforms.numbers.clone(),
        conversations: state.conversations().iter().map(conversation).collect(),
        apps: Vec::new(),
        callbacks: newest(state.webhooks(), callback),
        requests: newest(state.requests(), request),
        deliveries: deliveries.into_iter().map(delivery).collect(),
        held: newest(&held.all(), held_back),
        deviations: state.deviations().iter().map(ToString::to_string).collect(),
    });
    for app in &platforms.apps {
        app.front.look(|front| {
            state.callbacks.extend(newest(front.hooks(), front_callback));
            state.requests.extend(newest(front.requests(), front_request));
            state.apps.push(inbox(app, front));
        });
    }
    Ok(state)
}

/// Converts the newest entries, newest first.
fn newest<E, R>(entries: &[E], convert: impl Fn(&E) -> R) -> Vec<R> {
    entries.iter().rev().take(ROWS_MAX).map(convert).collect()
}

fn conversation(known: &twilio::Conversation) -> SimulatedConversation {
    let customers: Vec<String> = known.participants.iter().filter_map(|one| one.address.clone()).collect();
    let ours = known.participants.iter().find_map(|one| one.proxy_address.clone().or(one.projected_address.clone()));
    let message = |message: &twilio::Message| SimulatedMessage {
        id: message.sid.clone(),
        author: message.author.clone(),
        text: message.body.clone(),
        is_customers: customers.contains(&message.author),
        state: message.receipts.last().map(|receipt| receipt.status.name().to_owned()),
    };
    SimulatedConversation {
        sid: known.sid.clone(),
        name: known.friendly_name.clone(),
        state: known.state.name().to_owned(),
        workers: known.workers().into_iter().map(ToOwned::to_owned).collect(),
        ours,
        messages: known.messages.iter().map(message).collect(),
        customers,
    }
}

fn callback(fired: &twilio::Fired) -> PlayedCallback {
    let deadline_ms = match fired.event.as_str() {
        "routing" => ROUTING_MS,
        event if event.starts_with("on") => CONVERSATIONS_MS,
        _ => VOICE_MS,
    };
    PlayedCallback {
        platform: "Twilio".to_owned(),
        event: fired.event.clone(),
        status: fired.status,
        took_us: micros(fired.elapsed),
        deadline_ms,
        problem: fired.error.clone(),
    }
}

fn front_callback(fired: &front::Fired) -> PlayedCallback {
    PlayedCallback {
        platform: "Front".to_owned(),
        event: fired.kind.clone(),
        status: fired.status,
        took_us: micros(fired.elapsed),
        deadline_ms: FRONT_MS,
        problem: fired.error.clone(),
    }
}

fn request(recorded: &twilio::Recorded) -> SimulatedRequest {
    SimulatedRequest {
        platform: "Twilio".to_owned(),
        method: recorded.method.clone(),
        path: recorded.path.clone(),
        status: recorded.status,
        acted: recorded.acted,
        fault: recorded.fault.as_ref().map(|fault| format!("{fault:?}")),
    }
}

fn front_request(recorded: &front::Recorded) -> SimulatedRequest {
    SimulatedRequest {
        platform: "Front".to_owned(),
        method: recorded.method.clone(),
        path: recorded.path.clone(),
        status: recorded.status,
        acted: recorded.acted,
        fault: recorded.fault.as_ref().map(|fault| format!("{fault:?}")),
    }
}

fn delivery(summary: DeliverySummary) -> SimulatedDelivery {
    SimulatedDelivery {
        id: summary.id,
        event: summary.event,
        state: summary.state.to_string(),
        attempts: summary.attempts,
        reason: summary.reason,
    }
}

fn held_back(held: &HeldRequest) -> HeldBack {
    let HeldRequest { time_ms, plugin, method, site, path, bytes } = held;
    let size = bytes.map_or_else(|| "size unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    HeldBack {
        time_ms: i64::try_from(*time_ms).unwrap_or(i64::MAX),
        plugin: plugin.clone(),
        request: format!("{method} {site}{path} ({size})"),
    }
}

fn inbox(app: &App, state: &front::State) -> SimulatedApp {
    let mut channels = Vec::<SimulatedChannel>::new();
    for channel in state.channels() {
        let (is_connected, is_online) = (channel.is_connected, channel.is_online);
        channels.push(SimulatedChannel { id: channel.id.clone(), is_connected, is_online });
    }
    let conversations = state.conversations().iter().map(|conversation| SimulatedInbox {
        id: conversation.id.clone(),
        channel: conversation.channel.clone(),
        messages: conversation.messages.iter().map(message).collect(),
    });
    SimulatedApp {
        name: app.name.clone(),
        plugin: app.plugin.clone(),
        channels,
        conversations: conversations.collect(),
    }
}

fn message(message: &front::Message) -> SimulatedMessage {
    let sender = message.recipients.iter().find(|recipient| recipient.role == "from");
    let author = message.author.as_ref().map(|author| author.email.clone());
    let state = match &message.state {
        MessageState::Sending => "sending".to_owned(),
        MessageState::Sent => "sent".to_owned(),
        MessageState::Unresponsive(why) => format!("not sent: {why}"),
        MessageState::Failed(why) => format!("failed: {}", why.as_deref().unwrap_or("without a reason")),
        MessageState::Accepted => "accepted".to_owned(),
        MessageState::Imported => "imported".to_owned(),
    };
    SimulatedMessage {
        id: message.id.clone(),
        author: author.or_else(|| sender.map(|sender| sender.handle.clone())).unwrap_or_default(),
        text: message.text.clone(),
        is_customers: message.is_inbound,
        state: Some(state),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
