//! A stand-in for Twilio: it keeps conversations, answers the Conversations REST API, fires webhooks,
//! and fails on demand. It follows the contract in `twilio-frontline.md` and Twilio's public documents, not
//! the gateway's code; what they leave open is marked [?] where it is decided. The Media Content Service, which
//! Twilio has under another name, is at the same address; what its downloads lead to is at one of its own.

mod clock;
mod control;
mod events;
mod fault;
mod hook;
mod message;
mod model;
mod play;
mod problem;
mod reach;
mod record;
mod rest;
mod scenes;
mod server;
mod settings;
mod show;
mod sign;
mod state;
mod trouble;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::common::port::Port;
pub use crate::twilio::fault::{Action, Call, Fault};
pub use crate::twilio::message::{DeliveryStatus, Media, Message, Receipt};
pub use crate::twilio::model::{Conversation, ConversationState, Participant};
pub use crate::twilio::play::FileToSend;
pub use crate::twilio::record::{Authorization, Effect, Fired, Recorded, Rejection};
pub use crate::twilio::settings::Initializing;
use crate::twilio::state::Shared;
pub use crate::twilio::state::State;
use crate::twilio::world::World;

/// The double, stopped when it is dropped.
pub struct Twilio {
    shared: Arc<Shared>,
    port: Port,
    /// Of the storage; it is always up.
    _storage: Port,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// How a double is started.
pub struct TwilioBuilder {
    address: SocketAddr,
    account_sid: String,
    credentials: Vec<(String, String)>,
    service_sid: String,
    control: bool,
}

impl TwilioBuilder {
    /// Listens here rather than on a free port of the loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Another account. Requests with its SID and auth token are accepted; the API key of the default is
    /// not any more.
    pub fn account(self, sid: &str, auth_token: &str) -> Self {
        Self { account_sid: sid.to_owned(), credentials: vec![(sid.to_owned(), auth_token.to_owned())], ..self }
    }

    /// Accepts this API key as well.
    pub fn api_key(mut self, sid: &str, secret: &str) -> Self {
        self.credentials.push((sid.to_owned(), secret.to_owned()));
        self
    }

    /// Another Conversations service.
    pub fn service(self, sid: &str) -> Self {
        Self { service_sid: sid.to_owned(), ..self }
    }

    /// Answers `/_control`, for operators.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics where [`TwilioBuilder::try_start`] returns an error.
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
        let storage = Port::reserve(SocketAddr::new(self.address.ip(), 0))?;
        let world = World::new(self.account_sid, self.service_sid);
        let [url, storage_url] = [&port, &storage].map(|port| format!("http://{}", port.address()));
        let shared = Shared::new(world, self.credentials, url, storage_url, self.control);
        let handing = Arc::clone(&shared);
        storage.open(&runtime, move |connection, request| server::respond(Arc::clone(&handing), connection, request));
        let twilio = Twilio { shared, port, _storage: storage, runtime: Some(runtime) };
        twilio.come_back();
        Ok(twilio)
    }
}

impl Twilio {
    /// The account of a double that is started without another.
    pub const ACCOUNT_SID: &'static str = "AC000000000000000000000000000000a1";
    /// Its auth token, which its webhooks are signed with as well.
    pub const AUTH_TOKEN: &'static str = "0123456789abcdef0123456789abcdef";
    /// Its API key.
    pub const API_KEY_SID: &'static str = "SK000000000000000000000000000000b2";
    /// The secret of the API key.
    pub const API_KEY_SECRET: &'static str = "an API key's secret";
    /// Its Conversations service.
    pub const SERVICE_SID: &'static str = "IS000000000000000000000000000000c3";

    /// Starts a double with the account, API key and service above, on a free port.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The same, to be changed before it starts.
    pub fn builder() -> TwilioBuilder {
        let credentials = [(Self::ACCOUNT_SID, Self::AUTH_TOKEN), (Self::API_KEY_SID, Self::API_KEY_SECRET)];
        TwilioBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account_sid: Self::ACCOUNT_SID.to_owned(),
            credentials: credentials.map(|(user, secret)| (user.to_owned(), secret.to_owned())).to_vec(),
            service_sid: Self::SERVICE_SID.to_owned(),
            control: false,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What stands for `https://conversations.twilio.com`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What stands for `https://media.us1.twilio.com`, where downloads lead to: at another address, since it takes
    /// no credentials.
    pub fn storage_url(&self) -> &str {
        &self.shared.storage_url
    }

    /// What `/_control` answers, one path a line.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until it is dropped")
    }

    /// Refuses connections from now on, and cuts those that there are. What was begun is still done.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Listens again on the same port.
    pub fn come_back(&self) {
        let shared = Arc::clone(&self.shared);
        self.port
            .open(self.runtime(), move |connection, request| server::respond(Arc::clone(&shared), connection, request));
    }

    /// All REST requests so far, in the order in which their headers came.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.read(|state| state.requests.clone())
    }

    /// What REST requests have really changed, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.shared.read(|state| state.effects.clone())
    }

    /// All attempts at webhooks so far, in the order in which they ended.
    pub fn webhooks(&self) -> Vec<Fired> {
        self.shared.read(|state| state.webhooks.clone())
    }

    /// A conversation by SID or unique name.
    /// Panics if there is none.
    pub fn conversation(&self, sid: &str) -> Conversation {
        let found = self.shared.read(|state| state.conversation(sid).cloned());
        found.unwrap_or_else(|| panic!("there is no conversation {sid}"))
    }

    /// All conversations, oldest first.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.shared.read(|state| state.conversations().to_vec())
    }

    /// The bytes of a file, by its `ME...`.
    /// Panics if there is none.
    pub fn media(&self, sid: &str) -> Vec<u8> {
        let found = self.shared.read(|state| state.world.stored(sid).map(|stored| stored.content.clone()));
        found.unwrap_or_else(|| panic!("there is no file {sid}")).into()
    }

    /// Waits until something is so.
    /// Panics if it is not so after a minute; with all that happened.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&State) -> bool) {
        self.shared.wait_for(condition);
    }

    /// What somebody makes of everything so far.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.shared.read(|state| look(state))
    }

    /// Everything that happened, to be read by people.
    pub fn dump(&self) -> String {
        self.shared.read(State::to_string)
    }
}

impl Drop for Twilio {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
