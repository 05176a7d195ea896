//! A simulator of Front: application channels, messages of teammates, imports, and faults on demand.
//!
//! The behavior follows Front's public documentation of application channels, never the gateway's code. Comments mark
//! decisions that the documentation leaves open with [?].

mod admin;
mod api;
mod calls;
mod control;
mod draft;
mod fault;
mod form;
mod hook;
mod inject;
mod limit;
mod model;
mod oauth;
mod payload;
mod problem;
mod record;
mod scenarios;
mod server;
mod settings;
mod show;
mod sign;
mod state;
mod steps;
mod storage;
mod token;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::common::port::Port;
pub use crate::front::admin::{Address, Farewell};
pub use crate::front::calls::{StatusChange, VoiceCall};
pub use crate::front::draft::{Connect, Draft, generated};
pub use crate::front::fault::{Action, Call, Fault};
pub use crate::front::model::{
    Attachment, Author, Channel, Contact, Conversation, Message, MessageState, Recipient, Template, TemplateVariable,
};
pub use crate::front::oauth::{OauthClient, OauthConnection};
pub use crate::front::record::{Authorization, Duplicate, File, Fired, Recorded, Refusal};
pub use crate::front::scenarios::Sent;
pub use crate::front::settings::{Downloads, Timestamps};
pub(crate) use crate::front::sign::hmac;
pub use crate::front::sign::{UNDEFINED, signature};
use crate::front::state::Shared;
pub use crate::front::state::State;
pub use crate::front::token::token;
use crate::front::world::World;

/// A running simulator. Stops when it is dropped.
pub struct Front {
    shared: Arc<Shared>,
    port: Port,
    storage: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

/// A builder that configures and starts a simulator.
pub struct FrontBuilder {
    address: SocketAddr,
    storage: SocketAddr,
    app: String,
    secret: String,
    company: String,
    control: bool,
}

impl FrontBuilder {
    /// Listens on this address. Default: a free port on loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Sets the address of the storage. Default: a free port on loopback.
    pub fn storage(self, storage: SocketAddr) -> Self {
        Self { storage, ..self }
    }

    /// Sets the App UID and the app secret, which signs requests and tokens.
    pub fn app(self, uid: &str, secret: &str) -> Self {
        Self { app: uid.to_owned(), secret: secret.to_owned(), ..self }
    }

    /// Sets the company's name.
    pub fn company(self, name: &str) -> Self {
        Self { company: name.to_owned(), ..self }
    }

    /// Enables the control API below `/_control`.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics if [`FrontBuilder::try_start`] returns an error.
    pub fn start(self) -> Front {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator.
    ///
    /// # Errors
    ///
    /// Fails if one of the ports is in use.
    pub fn try_start(self) -> io::Result<Front> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (port, storage) = (Port::reserve(self.address)?, Port::reserve(self.storage)?);
        let [url, storage_url] = [&port, &storage].map(|port| format!("http://{}", port.address()));
        let world = World::new(self.app, self.secret, self.company);
        let shared = Shared::new(world, url, storage_url, self.control);
        let front = Front { shared, port, storage, runtime: Some(runtime) };
        front.come_back();
        Ok(front)
    }
}

impl Front {
    /// The default App UID.
    pub const APP: &'static str = "app-uid-0001";
    /// The company's API token, with all scopes.
    pub const API_TOKEN: &'static str = "made-up-api-token";
    /// The default app secret.
    pub const SECRET: &'static str = "channel-secret-for-tests-0001";

    /// Starts a simulator with the defaults on free ports.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Returns a builder with the defaults.
    pub fn builder() -> FrontBuilder {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        FrontBuilder {
            address: anywhere,
            storage: anywhere,
            app: Self::APP.to_owned(),
            secret: Self::SECRET.to_owned(),
            company: "acme".to_owned(),
            control: false,
        }
    }

    /// Returns the address of the API.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the URL that replaces `https://api2.frontapp.com`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Returns the address of the storage, to which downloads redirect.
    pub fn storage_address(&self) -> SocketAddr {
        self.storage.address()
    }

    /// Returns a list of the paths of the control API.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime ends with the simulator")
    }

    /// Simulates an outage of the API: drops all connections and refuses new ones. Requests in progress complete, and
    /// teammates can still write.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
        self.storage.close(self.runtime());
    }

    /// Ends the outage: listens again on the same ports.
    pub fn come_back(&self) {
        let [api, storage] = [(); 2].map(|()| Arc::clone(&self.shared));
        self.port
            .open(self.runtime(), move |connection, request| server::respond(Arc::clone(&api), connection, request));
        self.storage.open(self.runtime(), move |connection, request| {
            server::hand_out(Arc::clone(&storage), connection, request)
        });
    }

    /// Returns all requests to the API and the storage so far, in the order in which their headers arrived.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.read(|state| state.requests.clone())
    }

    /// Returns all requests to the channel server so far, in the order in which they ended.
    pub fn hooks(&self) -> Vec<Fired> {
        self.shared.read(|state| state.hooks.clone())
    }

    /// Returns the ids of the channel server that occurred for two messages.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        self.shared.read(|state| state.duplicates.clone())
    }

    /// Returns the number of requests that hit a rate limit. Excludes faults.
    pub fn limited(&self) -> usize {
        self.shared.read(State::limited)
    }

    /// Finds a channel by `cha_...`, also a removed one.
    ///
    /// # Panics
    ///
    /// Panics if it does not exist.
    pub fn channel(&self, id: &str) -> Channel {
        let found = self.shared.read(|state| state.channel(id).cloned());
        found.unwrap_or_else(|| panic!("unknown channel {id}"))
    }

    /// Finds a conversation by `cnv_...`, also by the id of a merged one, or by an id of the channel server.
    ///
    /// # Panics
    ///
    /// Panics if it does not exist.
    pub fn conversation(&self, id: &str) -> Conversation {
        let found = self.shared.read(|state| state.conversation(id).cloned());
        found.unwrap_or_else(|| panic!("unknown conversation {id}"))
    }

    /// Returns all conversations, oldest first.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.shared.read(|state| state.conversations().to_vec())
    }

    /// Finds a message by `msg_...` or `alt:uid:...`.
    ///
    /// # Panics
    ///
    /// Panics if it does not exist.
    pub fn message(&self, id: &str) -> Message {
        let found = self.shared.read(|state| state.message(id).cloned());
        found.unwrap_or_else(|| panic!("unknown message {id}"))
    }

    /// Returns the templates of a channel, oldest first.
    pub fn templates(&self, channel: &str) -> Vec<Template> {
        self.look(|state| state.templates(channel).into_iter().cloned().collect())
    }

    /// Returns the calls of a channel, oldest first.
    pub fn calls(&self, channel: &str) -> Vec<VoiceCall> {
        self.look(|state| state.calls(channel).into_iter().cloned().collect())
    }

    /// Returns the person with this email address, and creates a teammate if necessary.
    pub fn teammate(&self, email: &str) -> Author {
        self.shared.update(|state| state.world.teammate(email, Author::USER))
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

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
