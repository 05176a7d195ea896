//! A simulator of HubSpot's CRM: contacts and their webhooks, calls, search, owners, rate limits, and faults on demand.
//!
//! The behavior follows HubSpot's public API description (v3) and its search guide. Comments mark decisions that both
//! leave open with [?].

mod answer;
mod calls;
mod changes;
mod fault;
mod problem;
mod rates;
mod record;
mod search;
mod webhooks;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::common::fault::Faults;
use crate::common::port::Port;
use crate::common::reply::{Body, Cut, Reply};
use crate::common::watched::Watched;
use crate::hubspot::rates::Rates;
use crate::hubspot::webhooks::Webhooks;
use crate::twilio::clock::http_date;

pub use self::calls::LoggedCall;
pub use self::fault::{Action, Call, Fault, Policy};
pub use self::record::{Owner, Person};
pub use self::webhooks::Sent;

/// The distance between record ids.
const ID_STEP: u64 = 50;

/// A request and the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The requested operation.
    pub call: Call,
    /// `GET` or `POST`.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The JSON of the request.
    pub request: Value,
    /// The `Authorization` header.
    pub authorization: String,
    /// The status. `None` if the connection was closed.
    pub status: Option<u16>,
    /// The JSON of the response.
    pub answer: Value,
}

/// The state of the simulator.
#[derive(Debug)]
struct State {
    token: String,
    next_id: u64,
    /// The contacts by id.
    people: BTreeMap<u64, Person>,
    archived: Vec<Person>,
    /// The remaining contacts of merged ones, by id.
    merged: BTreeMap<u64, u64>,
    /// The contacts that the search finds. `None`: all.
    searchable: Option<BTreeMap<u64, Person>>,
    /// The time by which HubSpot's clock is ahead of this machine's.
    ahead: Duration,
    rates: Option<Rates>,
    webhooks: Webhooks,
    owners: Vec<Owner>,
    calls: Vec<LoggedCall>,
    /// The custom property of calls that has unique values.
    call_key: Option<String>,
    /// The number of calls that the search finds. `None`: all.
    searchable_calls: Option<usize>,
    exchanges: Vec<Exchange>,
    /// Whether exchanges are kept without their JSON.
    keeps_no_json: bool,
    faults: Faults<Action, Call>,
}

impl State {
    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += ID_STEP;
        id
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HubSpot was asked {:#?}", self.exchanges)
    }
}

/// A running simulator. Stops when it is dropped.
pub struct HubSpot {
    state: Arc<Watched<State>>,
    port: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

impl HubSpot {
    /// The default token of the private app.
    pub const TOKEN: &str = "pat-na1-00000000-0000-4000-8000-00000000c0de";

    /// Starts a simulator without contacts on a free port.
    pub fn start() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(anywhere).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator at an address.
    ///
    /// # Errors
    ///
    /// Fails if the port is in use.
    pub fn start_at(address: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let state = State {
            token: Self::TOKEN.to_owned(),
            next_id: 101,
            people: BTreeMap::new(),
            archived: Vec::new(),
            merged: BTreeMap::new(),
            searchable: None,
            ahead: Duration::ZERO,
            rates: None,
            webhooks: Webhooks::default(),
            owners: Vec::new(),
            calls: Vec::new(),
            call_key: None,
            searchable_calls: None,
            exchanges: Vec::new(),
            keeps_no_json: false,
            faults: Faults::default(),
        };
        let hubspot =
            Self { state: Arc::new(Watched::new(state)), port: Port::reserve(address)?, runtime: Some(runtime) };
        let state = Arc::clone(&hubspot.state);
        let runtime = hubspot.runtime.as_ref().expect("it was just made");
        hubspot.port.open(runtime, move |_, request| respond(Arc::clone(&state), request));
        Ok(hubspot)
    }

    /// Returns the URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime.as_ref().expect("the runtime ends with the simulator"));
    }

    /// Adds an owner and returns the id.
    pub fn owner(&self, email: &str) -> String {
        self.state.update(|state| {
            let id = 41_000_001 + state.owners.len();
            state.owners.push(Owner { id: id.to_string(), email: email.to_owned() });
            id.to_string()
        })
    }

    /// Creates a custom property of calls with unique values.
    pub fn unique_call_property(&self, name: &str) {
        self.state.update(|state| state.call_key = Some(name.to_owned()));
    }

    /// Stops the search from finding calls that are created from now on, as HubSpot's does for some seconds.
    pub fn delay_search_of_calls(&self) {
        self.state.update(|state| state.searchable_calls = Some(state.calls.len()));
    }

    /// Returns all call engagements in the order of their creation.
    pub fn calls(&self) -> Vec<LoggedCall> {
        self.state.read(|state| state.calls.clone())
    }

    /// Waits until there are this many call engagements.
    ///
    /// # Panics
    ///
    /// Panics after one minute.
    #[track_caller]
    pub fn wait_for_calls(&self, many: usize) {
        self.state.wait_for(|state| state.calls.len() >= many);
    }

    /// Replaces the private app's token.
    pub fn rotate(&self, token: &str) {
        self.state.update(|state| state.token = token.to_owned());
    }

    /// Queues a fault.
    pub fn fault(&self, fault: Fault) {
        self.state.update(|state| state.faults.queued.push(fault));
    }

    /// Returns all requests so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.read(|state| state.exchanges.clone())
    }

    /// Keeps exchanges without their JSON from now on, so that a long test needs little memory.
    pub fn keep_no_json(&self) {
        self.state.update(|state| state.keeps_no_json = true);
    }

    /// Returns the number of all requests so far.
    pub fn requests(&self) -> usize {
        self.state.read(|state| state.exchanges.len())
    }

    /// Returns the number of requests for an operation.
    pub fn count(&self, call: Call) -> usize {
        self.state.read(|state| state.exchanges.iter().filter(|exchange| exchange.call == call).count())
    }
}

impl Drop for HubSpot {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn respond(state: Arc<Watched<State>>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call::of(head.method.as_str(), head.uri.path());
    let action = state.update(|state| state.faults.draw(call, None));
    let reply = match &action {
        Some(Action::Cut) => None,
        Some(action) if action.reply().is_some() => action.reply(),
        _ => Some(state.update(|state| {
            let asked =
                answer::ApiRequest { call, uri: &head.uri, authorization: header("authorization"), body: &bytes };
            answer::answer(state, &asked)
        })),
    };
    let reply = reply.filter(|_| action != Some(Action::CutAfterActing));
    state.update(|state| {
        let json = |bytes: &[u8]| match state.keeps_no_json {
            true => Value::Null,
            false => serde_json::from_slice(bytes).unwrap_or_default(),
        };
        let (request, answer) = (json(&bytes), reply.as_ref().map(|reply| json(&reply.body)).unwrap_or_default());
        state.exchanges.push(Exchange {
            call,
            method: head.method.to_string(),
            path,
            request,
            authorization: header("authorization").to_owned(),
            status: reply.as_ref().map(|reply| reply.status),
            answer,
        });
    });
    if let Some(Action::Slow(time)) = action {
        sleep(time).await;
    }
    let mut reply: Reply = reply.ok_or(Cut)?.header("date", http_date(state.read(State::time)));
    reply.half = matches!(action, Some(Action::Half));
    Ok(reply.header("content-type", "application/json;charset=utf-8").into())
}
