//! A small CRM over HTTP, as many companies have one: contacts in pages, a bearer token, a rate limit. It stands
//! behind the example plugins, and fails on demand. `crm/openapi.json` describes it.

mod contact;
mod control;
mod fault;
mod limit;
mod page;
mod people;
mod server;
mod state;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::common::port::Port;
use crate::common::watched::Watched;
pub use crate::crm::contact::{Contact, Phone};
pub use crate::crm::fault::{Action, Call, Fault};
pub use crate::crm::state::Recorded;
use crate::crm::state::{Shared, State};

/// The CRM, stopped when it is dropped.
pub struct SmallCrm {
    shared: Arc<Shared>,
    port: Port,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// How it is started.
pub struct SmallCrmBuilder {
    address: SocketAddr,
    contacts: usize,
    token: String,
    control: bool,
}

impl SmallCrmBuilder {
    /// Listens here rather than on a free port of the loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// How many contacts there are; [`SmallCrm::CONTACTS_MAX`] at most.
    pub fn contacts(self, contacts: usize) -> Self {
        Self { contacts: contacts.min(SmallCrm::CONTACTS_MAX), ..self }
    }

    /// Another token than [`SmallCrm::TOKEN`].
    pub fn token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    /// Answers `/_control`, for whoever plays with the program.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics where [`SmallCrmBuilder::try_start`] returns an error.
    pub fn start(self) -> SmallCrm {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator.
    ///
    /// # Errors
    ///
    /// Fails if the port is in use.
    pub fn try_start(self) -> io::Result<SmallCrm> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let state = Watched::new(State::new(self.contacts, self.token));
        let shared = Arc::new(Shared { state, control: self.control });
        let crm = SmallCrm { shared, port: Port::reserve(self.address)?, runtime: Some(runtime) };
        crm.come_back();
        Ok(crm)
    }
}

impl SmallCrm {
    /// What callers show, unless it is started with another.
    pub const TOKEN: &'static str = "made-up";
    /// More contacts it does not keep.
    pub const CONTACTS_MAX: usize = 100_000;
    /// How many it has unless told otherwise: one worker's need several pages.
    pub const CONTACTS: usize = 250;

    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The same, to be changed before it starts.
    pub fn builder() -> SmallCrmBuilder {
        SmallCrmBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            contacts: Self::CONTACTS,
            token: Self::TOKEN.to_owned(),
            control: false,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The same as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its description.
    pub fn openapi() -> Value {
        serde_json::from_str(server::OPENAPI).expect("the description is JSON")
    }

    /// What `/_control` answers, one path a line.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    /// Refuses connections from now on, and cuts those that there are.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Listens again on the same port.
    pub fn come_back(&self) {
        let shared = Arc::clone(&self.shared);
        self.port.open(self.runtime(), move |_, request| server::respond(Arc::clone(&shared), request));
    }

    /// Queues a failure; the oldest that matches a request hits it.
    pub fn fault(&self, fault: Fault) {
        self.shared.state.update(|state| state.add_fault(fault));
    }

    /// Forgets the failures that have not hit yet.
    pub fn faults_off(&self) {
        self.shared.state.update(State::forget_faults);
    }

    /// How many requests it takes in a window; 6,000 a minute at first.
    pub fn rate(&self, requests: u32, window: Duration) {
        self.shared.state.update(|state| state.limit.set(requests, window));
    }

    /// All contacts, in the order in which it lists them.
    pub fn contacts(&self) -> Vec<Contact> {
        self.shared.state.read(|state| state.contacts.clone())
    }

    /// The latest requests, the oldest first; and forgets them.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.shared.state.update(State::take_requests)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until it is dropped")
    }
}

impl Drop for SmallCrm {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
