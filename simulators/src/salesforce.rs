//! A simulator of Salesforce: REST queries with a subset of SOQL, OAuth 2, contacts, accounts and users, limits, and
//! faults on demand.
//!
//! The behavior follows Salesforce's public documentation: REST API Developer Guide, SOQL and SOSL Reference, Object
//! Reference for the Salesforce Platform, and Salesforce Help. Comments mark decisions that it leaves open with [?].
//!
//! - Times of records are whole seconds. A deletion and a merge are changes. [?] The documentation does not say so for
//!   `SystemModstamp` of deleted records; connectors that read them by this field rely on it.
//! - The order of ids is that of their bytes. [?] The documentation names no order.
//! - Texts are compared without case. An empty text is null.

mod answer;
mod changes;
mod fault;
mod ids;
mod org;
mod problem;
mod schema;
pub mod soql;
mod token;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use url::form_urlencoded;

use crate::common::fault::Faults;
use crate::common::port::Port;
use crate::common::reply::{Body, Cut, Reply};
use crate::common::watched::Watched;
use crate::salesforce::answer::ApiRequest;

pub use self::changes::Person;
pub use self::fault::{Action, Call, Fault};
pub use self::org::Org;
pub use self::problem::Problem;
pub use self::schema::Object;

/// A request and the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The requested resource.
    pub call: Call,
    /// The query, decoded. Empty for other requests.
    pub soql: String,
    /// The `Authorization` header.
    pub authorization: String,
    /// The status. `None` if the connection was closed.
    pub status: Option<u16>,
}

/// The state of the simulator.
#[derive(Debug)]
struct State {
    org: Org,
    exchanges: Vec<Exchange>,
    faults: Faults<Action, Call>,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Salesforce: {:?}, was asked {:#?}", self.org, self.exchanges)
    }
}

/// A running simulator. Stops when it is dropped.
pub struct Salesforce {
    state: Arc<Watched<State>>,
    port: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

impl Salesforce {
    /// Starts a simulator without records on a free port.
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
        let port = Port::reserve(address)?;
        let org = Org::new(&format!("http://{}", port.address()));
        let state = State { org, exchanges: Vec::new(), faults: Faults::default() };
        let salesforce = Self { state: Arc::new(Watched::new(state)), port, runtime: Some(runtime) };
        let state = Arc::clone(&salesforce.state);
        let runtime = salesforce.runtime.as_ref().expect("it was just made");
        salesforce.port.open(runtime, move |_, request| respond(Arc::clone(&state), request));
        Ok(salesforce)
    }

    /// Returns the org's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Reads or changes the org.
    pub fn org<T>(&self, change: impl FnOnce(&mut Org) -> T) -> T {
        self.state.update(|state| change(&mut state.org))
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime.as_ref().expect("the runtime ends with the simulator"));
    }

    /// Queues a fault.
    pub fn fault(&self, fault: Fault) {
        self.state.update(|state| state.faults.queued.push(fault));
    }

    /// Removes all faults that have not hit a request yet.
    pub fn faults_off(&self) {
        self.state.update(|state| state.faults.queued.clear());
    }

    /// Returns all requests so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.read(|state| state.exchanges.clone())
    }

    /// Returns the number of requests for a resource.
    pub fn count(&self, call: Call) -> usize {
        self.state.read(|state| state.exchanges.iter().filter(|exchange| exchange.call == call).count())
    }
}

impl Drop for Salesforce {
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
    let (authorization, options) = (header("authorization"), header("sforce-query-options"));
    let call = Call::of(head.method.as_str(), head.uri.path());
    let action = state.update(|state| state.faults.draw(call, None));
    let reply =
        match &action {
            Some(Action::Cut) => None,
            Some(action) if action.reply().is_some() => action.reply(),
            _ => Some(state.update(|state| {
                state.org.answer(&ApiRequest { call, path: &path, authorization, options, body: &bytes })
            })),
        };
    let mut query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let soql = query.find(|(name, _)| name == "q").map(|(_, soql)| soql.into_owned()).unwrap_or_default();
    state.update(|state| {
        let status = reply.as_ref().map(|reply| reply.status);
        state.exchanges.push(Exchange { call, soql, authorization: authorization.to_owned(), status });
    });
    if let Some(Action::Slow(time)) = action {
        sleep(time).await;
    }
    let mut reply: Reply = reply.ok_or(Cut)?;
    reply.half = matches!(action, Some(Action::Half));
    Ok(reply.into())
}
