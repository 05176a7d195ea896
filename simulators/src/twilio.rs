//! A simulator of Twilio: the Conversations REST API (`/v1`), signed webhooks of Conversations and Frontline, and
//! faults on demand. Of the API of 2010 (`/2010-04-01`), only numbers and recordings are simulated.
//!
//! The behavior follows Twilio's public documentation and captured traffic, never the gateway's code. Comments mark
//! decisions that the documentation leaves open with [?].
//!
//! The Media Content Service has the same address, although Twilio serves it under another host name; so has the API of
//! Frontline's users, below `/frontline`. Downloads redirect to a separate address.

mod addresses;
mod calls;
pub(crate) mod clock;
mod content;
mod control;
mod description;
mod events;
mod fault;
mod inject;
mod message;
mod model;
mod numbers;
mod problem;
mod record;
mod rest;
mod scenarios;
mod server;
mod settings;
mod show;
mod sign;
mod state;
mod steps;
mod users;
mod webhook;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use tokio::runtime::Runtime;

use crate::common::port::Port;
pub use crate::twilio::calls::PlayedCall;
pub use crate::twilio::description::Deviation;
pub use crate::twilio::fault::{Action, Call, Fault};
pub use crate::twilio::message::{DeliveryStatus, Media, Message, Receipt};
pub use crate::twilio::model::{Conversation, ConversationState, Participant};
pub use crate::twilio::numbers::{CallEnd, NumberCall};
pub use crate::twilio::record::{Authorization, Effect, Fired, Recorded, Rejection};
pub use crate::twilio::scenarios::FileToSend;
pub use crate::twilio::settings::Initializing;
use crate::twilio::state::Shared;
pub use crate::twilio::state::State;
use crate::twilio::world::World;

/// A running simulator. Stops when it is dropped, and then panics if a request or a response deviated from Twilio's
/// published description, unless [`Twilio::take_deviations`] returned it.
pub struct Twilio {
    shared: Arc<Shared>,
    port: Port,
    /// The port of the storage, which is always open.
    storage: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

/// A builder that configures and starts a simulator.
pub struct TwilioBuilder {
    address: SocketAddr,
    storage: Option<SocketAddr>,
    storage_url: Option<String>,
    account_sid: String,
    credentials: Vec<(String, String)>,
    service_sid: String,
    control: bool,
}

impl TwilioBuilder {
    /// Listens on this address. Default: a free port on loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Serves downloads of media from this address. Default: a free port of the same host.
    pub fn storage(self, address: SocketAddr) -> Self {
        Self { storage: Some(address), ..self }
    }

    /// Sets the origin of download URLs, if callers reach the storage under another name. Default: its own address.
    pub fn storage_url(self, url: &str) -> Self {
        Self { storage_url: Some(url.to_owned()), ..self }
    }

    /// Accepts any credentials, for callers whose credentials are unknown.
    pub fn any_credentials(self) -> Self {
        Self { credentials: Vec::new(), ..self }
    }

    /// Sets the account. The simulator then accepts its SID and auth token, but not the default API key.
    pub fn account(self, sid: &str, auth_token: &str) -> Self {
        Self { account_sid: sid.to_owned(), credentials: vec![(sid.to_owned(), auth_token.to_owned())], ..self }
    }

    /// Adds an API key.
    pub fn api_key(mut self, sid: &str, secret: &str) -> Self {
        self.credentials.push((sid.to_owned(), secret.to_owned()));
        self
    }

    /// Sets the Conversations service.
    pub fn service(self, sid: &str) -> Self {
        Self { service_sid: sid.to_owned(), ..self }
    }

    /// Enables the control API below `/_control`.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics if [`TwilioBuilder::try_start`] returns an error.
    pub fn start(self) -> Twilio {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator.
    ///
    /// # Errors
    ///
    /// Fails if the port is in use.
    pub fn try_start(self) -> io::Result<Twilio> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let port = Port::reserve(self.address)?;
        let storage = Port::reserve(self.storage.unwrap_or(SocketAddr::new(self.address.ip(), 0)))?;
        let world = World::new(self.account_sid, self.service_sid);
        let [url, storage_url] = [&port, &storage].map(|port| format!("http://{}", port.address()));
        let storage_url = self.storage_url.unwrap_or(storage_url);
        let shared = Shared::new(world, self.credentials, url, storage_url, self.control);
        let handing = Arc::clone(&shared);
        storage.open(&runtime, move |connection, request| server::respond(Arc::clone(&handing), connection, request));
        let twilio = Twilio { shared, port, storage, runtime: Some(runtime) };
        twilio.come_back();
        Ok(twilio)
    }
}

impl Twilio {
    /// The default account.
    pub const ACCOUNT_SID: &'static str = "AC000000000000000000000000000000a1";
    /// The default auth token, which also signs webhooks.
    pub const AUTH_TOKEN: &'static str = "0123456789abcdef0123456789abcdef";
    /// The default API key.
    pub const API_KEY_SID: &'static str = "SK000000000000000000000000000000b2";
    /// The secret of the default API key.
    pub const API_KEY_SECRET: &'static str = "an API key's secret";
    /// The Conversations events that the simulator fires.
    pub const EVENTS: [&'static str; 20] = [
        "onConversationAdd",
        "onConversationAdded",
        "onConversationRemove",
        "onConversationRemoved",
        "onConversationStateUpdated",
        "onConversationUpdate",
        "onConversationUpdated",
        "onDeliveryUpdated",
        "onMessageAdd",
        "onMessageAdded",
        "onMessageRemove",
        "onMessageRemoved",
        "onMessageUpdate",
        "onMessageUpdated",
        "onParticipantAdd",
        "onParticipantAdded",
        "onParticipantRemove",
        "onParticipantRemoved",
        "onParticipantUpdate",
        "onParticipantUpdated",
    ];
    /// The default Conversations service.
    pub const SERVICE_SID: &'static str = "IS000000000000000000000000000000c3";

    /// Starts a simulator with the defaults on a free port.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Returns a builder with the defaults.
    pub fn builder() -> TwilioBuilder {
        let credentials = [(Self::ACCOUNT_SID, Self::AUTH_TOKEN), (Self::API_KEY_SID, Self::API_KEY_SECRET)];
        TwilioBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            storage: None,
            storage_url: None,
            account_sid: Self::ACCOUNT_SID.to_owned(),
            credentials: credentials.map(|(user, secret)| (user.to_owned(), secret.to_owned())).to_vec(),
            service_sid: Self::SERVICE_SID.to_owned(),
            control: false,
        }
    }

    /// Returns the address of the API.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the URL that replaces `https://conversations.twilio.com`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Returns the address of the storage.
    pub fn storage_address(&self) -> SocketAddr {
        self.storage.address()
    }

    /// Returns the URL that replaces `https://media.us1.twilio.com`, the target of downloads. The address is separate
    /// because the storage accepts no credentials.
    pub fn storage_url(&self) -> &str {
        &self.shared.storage_url
    }

    /// Returns a list of the paths of the control API.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime ends with the simulator")
    }

    /// Simulates an outage: drops all connections and refuses new ones. Requests in progress complete.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Ends the outage: listens again on the same port.
    pub fn come_back(&self) {
        let shared = Arc::clone(&self.shared);
        self.port
            .open(self.runtime(), move |connection, request| server::respond(Arc::clone(&shared), connection, request));
    }

    /// Returns all REST requests so far, in the order in which their headers arrived.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.read(|state| state.requests.clone())
    }

    /// Returns the changes that REST requests made, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.shared.read(|state| state.effects.clone())
    }

    /// Returns all webhook attempts so far, in the order in which they ended.
    pub fn webhooks(&self) -> Vec<Fired> {
        self.shared.read(|state| state.webhooks.clone())
    }

    /// Returns the deviations from Twilio's published description since the last call.
    pub fn take_deviations(&self) -> Vec<Deviation> {
        self.shared.update(|state| std::mem::take(&mut state.deviations))
    }

    /// Finds a conversation by SID or unique name.
    ///
    /// # Panics
    ///
    /// Panics if it does not exist.
    pub fn conversation(&self, sid: &str) -> Conversation {
        let found = self.shared.read(|state| state.conversation(sid).cloned());
        found.unwrap_or_else(|| panic!("unknown conversation {sid}"))
    }

    /// Returns all conversations, oldest first.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.shared.read(|state| state.conversations().to_vec())
    }

    /// Returns the bytes of a file by its `ME...`.
    ///
    /// # Panics
    ///
    /// Panics if it does not exist.
    pub fn media(&self, sid: &str) -> Vec<u8> {
        let found = self.shared.read(|state| state.world.stored(sid).map(|stored| stored.content.clone()));
        found.unwrap_or_else(|| panic!("unknown file {sid}")).into()
    }

    /// Blocks until the condition is true.
    ///
    /// # Panics
    ///
    /// Panics after one minute and prints the state.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&State) -> bool) {
        self.shared.wait_for(condition);
    }

    /// Calls `look` with the current state and returns the result.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.shared.read(|state| look(state))
    }

    /// Returns the state as human-readable text.
    pub fn dump(&self) -> String {
        self.shared.read(State::to_string)
    }
}

impl Drop for Twilio {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let deviations = self.take_deviations();
        if !thread::panicking() && !deviations.is_empty() {
            let lines: Vec<_> = deviations.iter().map(|deviation| format!("  {deviation}")).collect();
            panic!("deviations from Twilio's published description:\n{}", lines.join("\n"));
        }
    }
}
