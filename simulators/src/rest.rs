//! A simulator of CRMs behind several dialects of REST: Airtable, Pipedrive, Zendesk and Zoho CRM, with one store of people.
//!
//! Paths, parameters, paging, limits and errors follow the vendors' public documentation, which the file of each dialect
//! names. Comments mark decisions that it leaves open with [?].

mod airtable;
mod fault;
mod formula;
mod pipedrive;
mod plain;
mod rates;
mod store;
mod time;
mod zendesk;
mod zoho;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use url::form_urlencoded;

use crate::common::port::Port;
use crate::common::reply::{Body, Cut, Reply};
use crate::common::watched::Watched;
use crate::twilio::clock::http_date;

pub use self::fault::{Action, Call, Fault};
pub use self::store::Person;
use self::store::State;

/// The API that is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The Web API of Airtable, for one table.
    Airtable,
    /// Pipedrive's persons, in version 2.
    Pipedrive,
    /// Zendesk's users.
    Zendesk,
    /// The contacts of Zoho CRM, in version 8.
    Zoho,
    /// An API of no vendor, with pages by offset.
    Plain,
}

/// A request and the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The requested operation.
    pub call: Call,
    /// The path with the query.
    pub path: String,
    /// The decoded parameters of the query.
    pub query: BTreeMap<String, String>,
    /// The status. `None` if the connection was closed.
    pub status: Option<u16>,
}

/// A request as the dialects read it.
struct ApiRequest {
    call: Call,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    modified_since: Option<String>,
    body: Value,
    /// The simulator's own URL.
    url: String,
}

impl ApiRequest {
    fn value(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Returns a number between 1 and the most that the API allows, or an error.
    fn number(&self, name: &str, usual: usize, most: usize) -> Result<usize, String> {
        let Some(text) = self.value(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| format!("{name} is from 1 to {most}"))
    }
}

/// A running simulator. Stops when it is dropped.
pub struct RestCrm {
    state: Arc<Watched<State>>,
    port: Port,
    /// The runtime of the server. `None` only during drop.
    runtime: Option<Runtime>,
}

impl Dialect {
    /// The name. That of a vendor is also the preset of the plugin `rest`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Airtable => "airtable",
            Self::Pipedrive => "pipedrive",
            Self::Zendesk => "zendesk",
            Self::Zoho => "zoho",
            Self::Plain => "plain",
        }
    }

    /// The header and the value that authenticate requests.
    pub fn authentication(self) -> (&'static str, String) {
        match self {
            Self::Airtable | Self::Plain => ("authorization", format!("Bearer {}", RestCrm::TOKEN)),
            Self::Pipedrive => ("x-api-token", RestCrm::TOKEN.to_owned()),
            Self::Zendesk => {
                let user = format!("{}/token:{}", RestCrm::USER, RestCrm::TOKEN);
                ("authorization", format!("Basic {}", STANDARD.encode(user)))
            }
            Self::Zoho => ("authorization", format!("Zoho-oauthtoken {}", RestCrm::TOKEN)),
        }
    }

    fn call(self, method: &str, path: &[String], query: &BTreeMap<String, String>, is_since: bool) -> Call {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match self {
            Self::Plain => plain::call(method, &path, query),
            _ if method != "GET" => Call::Unknown,
            Self::Airtable => airtable::call(&path, query),
            Self::Pipedrive => pipedrive::call(&path, query),
            Self::Zendesk => zendesk::call(&path),
            Self::Zoho => zoho::call(&path, query, is_since),
        }
    }
}

impl RestCrm {
    /// The token of every dialect.
    pub const TOKEN: &str = "made-up-c0de-0000-4000-8000-7e57c0de";
    /// The user that Zendesk's token belongs to.
    pub const USER: &str = "admin@example.org";

    /// Starts a simulator without people on a free port.
    pub fn start(dialect: Dialect) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(dialect, anywhere).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the simulator at an address.
    ///
    /// # Errors
    ///
    /// Fails if the port is in use.
    pub fn start_at(dialect: Dialect, address: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let state = Arc::new(Watched::new(State::new(dialect)));
        let crm = Self { state, port: Port::reserve(address)?, runtime: Some(runtime) };
        let (state, url) = (Arc::clone(&crm.state), crm.url());
        let runtime = crm.runtime.as_ref().expect("it was just made");
        crm.port.open(runtime, move |_, request| respond(Arc::clone(&state), url.clone(), request));
        Ok(crm)
    }

    /// Returns the URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime.as_ref().expect("the runtime ends with the simulator"));
    }

    /// Queues a fault.
    pub fn fault(&self, fault: Fault) {
        self.state.update(|state| state.faults.queued.push(fault));
    }

    /// Returns all requests so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.read(|state| state.exchanges.clone())
    }

    /// Returns the number of requests for an operation.
    pub fn count(&self, call: Call) -> usize {
        self.state.read(|state| state.exchanges.iter().filter(|exchange| exchange.call == call).count())
    }
}

impl Drop for RestCrm {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the CRM was asked {:#?}", self.exchanges)
    }
}

async fn respond(state: Arc<Watched<State>>, url: String, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let decode = |step: &str| percent_encoding::percent_decode_str(step).decode_utf8_lossy().into_owned();
    let path: Vec<String> = head.uri.path().trim_matches('/').split('/').map(decode).collect();
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let modified_since = header("if-modified-since");
    let dialect = state.read(|state| state.dialect);
    let call = dialect.call(head.method.as_str(), &path, &query, modified_since.is_some());
    let action = state.update(|state| state.faults.draw(call, None));
    let (name, value) = dialect.authentication();
    let is_authentic = header(name).as_deref() == Some(&*value);
    let asked = ApiRequest { call, path, query, modified_since, body, url };
    let reply = match &action {
        Some(Action::Cut) => None,
        Some(action) if action.reply(dialect).is_some() => action.reply(dialect),
        _ => Some(state.update(|state| state.answer(&asked, is_authentic))),
    };
    state.update(|state| {
        state.exchanges.push(Exchange {
            call,
            path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            query: asked.query,
            status: reply.as_ref().map(|reply| reply.status),
        });
    });
    if let Some(Action::Slow(time)) = action {
        sleep(time).await;
    }
    let mut reply: Reply = reply.ok_or(Cut)?.header("date", http_date(state.read(State::time)));
    reply.half = matches!(action, Some(Action::Half));
    Ok(reply.header("content-type", "application/json;charset=utf-8").into())
}

impl State {
    fn answer(&mut self, asked: &ApiRequest, is_authentic: bool) -> Reply {
        if !is_authentic {
            return problem(self.dialect, 401);
        }
        if let Some(wait) = self.rates.as_mut().and_then(|rates| rates.exceeded(asked.call)) {
            return limited(self.dialect, wait);
        }
        match self.dialect {
            Dialect::Airtable => airtable::answer(self, asked),
            Dialect::Pipedrive => pipedrive::answer(self, asked),
            Dialect::Zendesk => zendesk::answer(self, asked),
            Dialect::Zoho => zoho::answer(self, asked),
            Dialect::Plain => plain::answer(self, asked),
        }
    }
}

fn ok(body: &Value) -> Reply {
    Reply::new(200, body.to_string())
}

/// Creates an error of a dialect.
fn problem(dialect: Dialect, status: u16) -> Reply {
    let body = match dialect {
        Dialect::Airtable if status == 404 => json!({ "error": "NOT_FOUND" }),
        Dialect::Airtable => {
            let kind = match status {
                401 => "AUTHENTICATION_REQUIRED",
                403 => "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
                _ => "INVALID_REQUEST_UNKNOWN",
            };
            json!({ "error": { "type": kind, "message": "Invalid request" } })
        }
        Dialect::Pipedrive => json!({ "success": false, "error": "the request is not valid", "errorCode": status }),
        Dialect::Zendesk | Dialect::Plain => {
            json!({ "error": "InvalidRequest", "description": "the request is not valid" })
        }
        Dialect::Zoho => {
            let code = match status {
                401 => "INVALID_TOKEN",
                403 => "NO_PERMISSION",
                _ => "INVALID_DATA",
            };
            json!({ "code": code, "details": {}, "message": "the request is not valid", "status": "error" })
        }
    };
    Reply::new(status, body.to_string())
}

/// Creates the error of a rate limit. Airtable names no time.
fn limited(dialect: Dialect, wait_s: Option<u64>) -> Reply {
    let reply = problem(dialect, 429);
    match (dialect, wait_s) {
        (_, None) | (Dialect::Airtable, _) => reply,
        (Dialect::Pipedrive, Some(wait)) => reply.header("x-ratelimit-reset", wait.to_string()),
        (_, Some(wait)) => reply.header("retry-after", wait.to_string()),
    }
}
