//! A simulator of Meta's WhatsApp Cloud API: numbers, templates, messages, media, signed webhooks with the challenge,
//! reports, and faults on demand.
//!
//! The behavior follows Meta's public documentation: Cloud API reference, message webhooks reference, Business Management
//! API, and the list of error codes. Comments mark decisions that it leaves open with [?].
//!
//! - All versions of the Graph API have the same behavior.
//! - Fields and parameters that the documentation does not list are errors, although Meta ignores some of them.
//! - A webhook that is not answered with 200 is sent again, as Meta does, but after fractions of a second.

mod account;
mod answer;
mod control;
mod fault;
mod play;
mod problem;
mod send;
mod upload;
mod webhooks;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

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
use crate::whatsapp::account::Account;
use crate::whatsapp::answer::ApiRequest;
use crate::whatsapp::webhooks::Webhooks;

pub use self::account::{Media, Message};
pub use self::fault::{Action, Call, Fault};
pub use self::play::Written;
pub use self::webhooks::Fired;

/// A request and the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The requested operation.
    pub call: Call,
    /// The path with the query.
    pub path: String,
    /// The JSON of the request.
    pub request: Value,
    /// The `Authorization` header.
    pub authorization: String,
    /// The status. `None` if the connection was closed.
    pub status: Option<u16>,
}

/// The state of the simulator.
#[derive(Debug)]
pub struct State {
    account: Account,
    webhooks: Webhooks,
    exchanges: Vec<Exchange>,
    faults: Faults<Action, Call>,
}

impl State {
    /// Returns the messages that were accepted, in order.
    pub fn messages(&self) -> &[Message] {
        &self.account.messages
    }

    /// Returns the webhooks that were answered, or not, in order.
    pub fn webhooks(&self) -> &[Fired] {
        &self.webhooks.fired
    }

    /// Returns all requests.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#?}\nwebhooks: {:#?}\nrequests: {:#?}", self.account, self.webhooks.fired, self.exchanges)
    }
}

/// A running simulator. Stops when it is dropped.
pub struct WhatsApp {
    state: Arc<Watched<State>>,
    port: Port,
    has_control: bool,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

impl WhatsApp {
    /// The default access token.
    pub const TOKEN: &str = "EAAJmadeup0000000000";
    /// The default secret of the app, which signs webhooks.
    pub const APP_SECRET: &str = "00000000000000000000000000005ec2";
    /// The WhatsApp Business account.
    pub const ACCOUNT: &str = "102290129340398";
    /// The id of the first number.
    pub const NUMBER_ID: &str = "106540352242922";
    /// The first number.
    pub const NUMBER: &str = "+15550783881";

    /// Starts a simulator with one number on a free port.
    pub fn start() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(anywhere, Self::TOKEN, Self::APP_SECRET, false).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator at an address, with credentials and optionally with the control API.
    ///
    /// # Errors
    ///
    /// Fails if the port is in use.
    pub fn start_at(address: SocketAddr, token: &str, app_secret: &str, has_control: bool) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let port = Port::reserve(address)?;
        let state = State {
            account: Account::new(token, &format!("http://{}", port.address())),
            webhooks: Webhooks::new(app_secret),
            exchanges: Vec::new(),
            faults: Faults::default(),
        };
        let whatsapp = Self { state: Arc::new(Watched::new(state)), port, has_control, runtime: Some(runtime) };
        whatsapp.come_back();
        Ok(whatsapp)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime ends with the simulator")
    }

    /// Returns the URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Returns the help text of the control API.
    pub fn control_help() -> &'static str {
        control::HELP
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Ends the outage.
    pub fn come_back(&self) {
        let (state, has_control) = (Arc::clone(&self.state), self.has_control);
        self.port.open(self.runtime(), move |_, request| respond(Arc::clone(&state), has_control, request));
    }

    /// Queues a fault.
    pub fn fault(&self, fault: Fault) {
        self.state.update(|state| state.faults.queued.push(fault));
    }

    /// Calls `look` with the current state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.state.read(look)
    }

    /// Blocks until the condition is true.
    ///
    /// # Panics
    ///
    /// Panics after one minute and prints the state.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&State) -> bool) {
        self.state.wait_for(condition);
    }

    /// Returns the messages that were accepted, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.look(|state| state.messages().to_vec())
    }

    /// Returns the number of requests for an operation.
    pub fn count(&self, call: Call) -> usize {
        self.look(|state| state.exchanges.iter().filter(|exchange| exchange.call == call).count())
    }
}

impl Drop for WhatsApp {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn respond(
    state: Arc<Watched<State>>,
    has_control: bool,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    if has_control && control::is_for(head.uri.path()) {
        return Ok(control::answer(&state, &head.method, head.uri.path(), &bytes).await.into());
    }
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call::of(head.method.as_str(), head.uri.path());
    let action = state.update(|state| state.faults.draw(call, None));
    let asked = ApiRequest {
        call,
        uri: &head.uri,
        authorization: header("authorization"),
        content_type: header("content-type"),
        body: &bytes,
    };
    let (reply, accepted) = match &action {
        Some(Action::Cut) => (None, None),
        Some(action) if action.reply().is_some() => (action.reply(), None),
        _ => {
            let (reply, accepted) = answer::answer(&state, &asked).await;
            (Some(reply), accepted)
        }
    };
    let reply = reply.filter(|_| action != Some(Action::CutAfterActing));
    state.update(|state| {
        let request = serde_json::from_slice(&bytes).unwrap_or_default();
        let status = reply.as_ref().map(|reply| reply.status);
        state.exchanges.push(Exchange { call, path, request, authorization: asked.authorization.to_owned(), status });
    });
    if let Some(id) = accepted {
        tokio::spawn(play::report(Arc::clone(&state), id));
    }
    if let Some(Action::Slow(time)) = action {
        sleep(time).await;
    }
    let mut reply: Reply = reply.ok_or(Cut)?;
    reply.half = matches!(action, Some(Action::Half));
    let has_kind = reply.headers.iter().any(|(name, _)| *name == "content-type");
    Ok(if has_kind { reply } else { reply.header("content-type", "application/json; charset=UTF-8") }.into())
}
