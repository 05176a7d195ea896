//! A small CRM over HTTP: contacts in pages, a bearer token, a rate limit, and faults on demand.
//!
//! The example plugins call it. `crm/openapi.json` describes the API.

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

/// A running CRM. Stops when it is dropped.
pub struct SmallCrm {
    shared: Arc<Shared>,
    port: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

/// A builder that configures and starts a [`SmallCrm`].
pub struct SmallCrmBuilder {
    address: SocketAddr,
    contacts: usize,
    token: String,
    control: bool,
}

impl SmallCrmBuilder {
    /// Listens on this address. Default: a free port on loopback.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Sets the number of contacts, at most [`SmallCrm::CONTACTS_MAX`].
    pub fn contacts(self, contacts: usize) -> Self {
        Self { contacts: contacts.min(SmallCrm::CONTACTS_MAX), ..self }
    }

    /// Sets the token. Default: [`SmallCrm::TOKEN`].
    pub fn token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    /// Enables the control API below `/_control`.
    pub fn control(self) -> Self {
        Self { control: true, ..self }
    }

    /// Starts the simulator.
    ///
    /// # Panics
    ///
    /// Panics if [`SmallCrmBuilder::try_start`] returns an error.
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
    /// The default token.
    pub const TOKEN: &'static str = "made-up";
    /// The maximum number of contacts.
    pub const CONTACTS_MAX: usize = 100_000;
    /// The default number of contacts: enough for several pages per worker.
    pub const CONTACTS: usize = 250;

    /// Starts a CRM with the defaults on a free port.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Returns a builder with the defaults.
    pub fn builder() -> SmallCrmBuilder {
        SmallCrmBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            contacts: Self::CONTACTS,
            token: Self::TOKEN.to_owned(),
            control: false,
        }
    }

    /// Returns the address of the API.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the URL of the API, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the OpenAPI description of the API.
    pub fn openapi() -> Value {
        serde_json::from_str(server::OPENAPI).expect("the description is JSON")
    }

    /// Returns a list of the paths of the control API.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Ends the outage: listens again on the same port.
    pub fn come_back(&self) {
        let shared = Arc::clone(&self.shared);
        self.port.open(self.runtime(), move |_, request| server::respond(Arc::clone(&shared), request));
    }

    /// Queues a fault. Each request is hit by the oldest matching fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.state.update(|state| state.add_fault(fault));
    }

    /// Removes all queued faults.
    pub fn faults_off(&self) {
        self.shared.state.update(State::forget_faults);
    }

    /// Sets the rate limit. Default: 6,000 requests per minute.
    pub fn rate(&self, requests: u32, window: Duration) {
        self.shared.state.update(|state| state.limit.set(requests, window));
    }

    /// Returns all contacts, in list order.
    pub fn contacts(&self) -> Vec<Contact> {
        self.shared.state.read(|state| state.contacts.clone())
    }

    /// Removes and returns the recorded requests, oldest first.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.shared.state.update(State::take_requests)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime ends with the simulator")
    }
}

impl Drop for SmallCrm {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
