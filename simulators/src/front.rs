//! A stand-in for Front: it connects channels, sends what teammates write, takes what channels import, and
//! fails on demand. It follows the contract of application channels in `front-channels.md`, not the
//! gateway's code; what the contract leaves open is marked [?] where it is decided.

mod admin;
mod api;
mod control;
mod draft;
mod fault;
mod form;
mod hook;
mod limit;
mod model;
mod payload;
mod play;
mod problem;
mod record;
mod scenes;
mod server;
mod settings;
mod show;
mod sign;
mod state;
mod storage;
mod token;
mod trouble;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::common::port::Port;
pub use crate::front::admin::{Address, Farewell};
pub use crate::front::draft::{Connect, Draft, generated};
pub use crate::front::fault::{Action, Call, Fault};
pub use crate::front::model::{Attachment, Author, Channel, Contact, Conversation, Message, MessageState, Recipient};
pub use crate::front::play::Sent;
pub use crate::front::record::{Authorization, Duplicate, File, Fired, Recorded, Refusal};
pub use crate::front::settings::{Downloads, Timestamps};
pub use crate::front::sign::{UNDEFINED, signature};
use crate::front::state::Shared;
pub use crate::front::state::State;
pub use crate::front::token::token;
use crate::front::world::World;

/// The double, stopped when it is dropped.
pub struct Front {
    shared: Arc<Shared>,
    port: Port,
    storage: Port,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// How a double is started.
pub struct FrontBuilder {
    address: SocketAddr,
    storage: SocketAddr,
    app: String,
    secret: String,
    company: String,
    control: bool,
}

impl FrontBuilder {
    /// Listens here rather than on a free port of the loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// The same for the storage.
    pub fn storage(self, storage: SocketAddr) -> Self {
        Self { storage, ..self }
    }

    /// Another app, with the secret that signs requests and tokens.
    pub fn app(self, uid: &str, secret: &str) -> Self {
        Self { app: uid.to_owned(), secret: secret.to_owned(), ..self }
    }

    /// Another company.
    pub fn company(self, name: &str) -> Self {
        Self { company: name.to_owned(), ..self }
    }

    /// Answers `/_control`, for operators.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics where [`FrontBuilder::try_start`] returns an error.
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
    /// The App UID of a double that is started without another.
    pub const APP: &'static str = "app-uid-0001";
    /// Its app secret.
    pub const SECRET: &'static str = "channel-secret-for-tests-0001";

    /// Starts a double with the app above, on free ports.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The same, to be changed before it starts.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What stands for `https://api2.frontapp.com`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Where downloads lead to.
    pub fn storage_address(&self) -> SocketAddr {
        self.storage.address()
    }

    /// What `/_control` answers, one path a line.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until it is dropped")
    }

    /// Refuses connections from now on, and cuts those that there are. What was begun is still done, and
    /// teammates still write.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
        self.storage.close(self.runtime());
    }

    /// Listens again on the same ports.
    pub fn come_back(&self) {
        let [api, storage] = [(); 2].map(|()| Arc::clone(&self.shared));
        self.port
            .open(self.runtime(), move |connection, request| server::respond(Arc::clone(&api), connection, request));
        self.storage.open(self.runtime(), move |connection, request| {
            server::hand_out(Arc::clone(&storage), connection, request)
        });
    }

    /// All requests to the API and the storage so far, in the order in which their headers came.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.read(|state| state.requests.clone())
    }

    /// All requests to the channel server so far, in the order in which they ended.
    pub fn hooks(&self) -> Vec<Fired> {
        self.shared.read(|state| state.hooks.clone())
    }

    /// Ids of the channel server that stand for two messages.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        self.shared.read(|state| state.duplicates.clone())
    }

    /// How many requests hit one of the rate limits; those that a fault refused are not among them.
    pub fn limited(&self) -> usize {
        self.shared.read(State::limited)
    }

    /// A channel by `cha_...`, also one that was removed.
    /// Panics if there is none.
    pub fn channel(&self, id: &str) -> Channel {
        let found = self.shared.read(|state| state.channel(id).cloned());
        found.unwrap_or_else(|| panic!("there is no channel {id}"))
    }

    /// A conversation by `cnv_...`, also one that was merged away, or by an id of the channel server.
    /// Panics if there is none.
    pub fn conversation(&self, id: &str) -> Conversation {
        let found = self.shared.read(|state| state.conversation(id).cloned());
        found.unwrap_or_else(|| panic!("there is no conversation {id}"))
    }

    /// All conversations, oldest first.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.shared.read(|state| state.conversations().to_vec())
    }

    /// A message by `msg_...` or `alt:uid:...`.
    /// Panics if there is none.
    pub fn message(&self, id: &str) -> Message {
        let found = self.shared.read(|state| state.message(id).cloned());
        found.unwrap_or_else(|| panic!("there is no message {id}"))
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

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
