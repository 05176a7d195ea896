//! Tests the Front simulator without a gateway, for the behavior on which other tests rely.

mod calls;
mod faults;
mod files;
mod hooks;
mod messages;
mod templates;
mod voice;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_tests::Front;
use frontgate_tests::front::token;
use parking_lot::Mutex;
use serde_json::{Value, json};
use ureq::http::Request;

use crate::listener::{Raw, listen};

const LEE: &str = "+15550100001";
const KIM: &str = "+15550100002";

/// The response, or the error that ended the exchange.
type Outcome = Result<Reply, String>;

#[derive(Debug, Clone, PartialEq)]
struct Reply {
    status: u16,
    json: Value,
    bytes: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A client of one channel that uses a new token for each call.
#[derive(Clone)]
struct Client {
    agent: ureq::Agent,
    url: String,
    channel: String,
}

fn agent(patience: Duration) -> ureq::Agent {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let agent = agent.max_redirects_will_error(false).allow_non_standard_methods(true);
    agent.timeout_global(Some(patience)).build().into()
}

fn soon(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + seconds
}

impl Client {
    fn new(front: &Front, channel: &str) -> Self {
        Self { agent: agent(Duration::from_secs(20)), url: front.url().to_owned(), channel: channel.to_owned() }
    }

    fn token(&self) -> String {
        format!("Bearer {}", token(Front::APP, Front::SECRET, &self.channel, soon(29)))
    }

    /// Sends a request. `path` may be a complete URL.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Outcome {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).expect("a request");
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let (headers, status) = (headers.collect(), response.status().as_u16());
        let bytes = response.body_mut().read_to_vec().map_err(|error| error.to_string())?;
        Ok(Reply { status, json: serde_json::from_slice(&bytes).unwrap_or_default(), bytes, headers })
    }

    /// Sends a request with a token and a JSON body.
    fn call(&self, method: &str, path: &str, body: &Value) -> Outcome {
        let (token, body) = (self.token(), body.to_string());
        self.send(method, path, &[("authorization", &token), ("content-type", "application/json")], body.as_bytes())
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[("authorization", &self.token())], &[]).expect("an answer")
    }

    fn path(&self, rest: &str) -> String {
        format!("/channels/{}{rest}", self.channel)
    }

    /// Imports a customer's message.
    fn import(&self, thread: &str, id: &str, text: &str) -> Outcome {
        self.call("POST", &self.path("/inbound_messages"), &inbound(thread, id, text))
    }

    fn fail(&self, thread: &str, id: &str, reason: &str) -> u16 {
        let path = self.path(&format!("/conversations/{thread}/messages/{id}/status"));
        let body = json!({ "status": "failed", "reason": reason });
        self.call("PUT", &path, &body).expect("an answer").status
    }
}

fn inbound(thread: &str, id: &str, text: &str) -> Value {
    json!({
        "sender": { "handle": LEE, "name": "Lee" },
        "body": text,
        "metadata": { "external_id": id, "external_conversation_id": thread },
    })
}

/// A request to the channel server.
#[derive(Debug, Clone)]
struct Got {
    method: String,
    path: String,
    headers: String,
    body: String,
}

impl Got {
    fn read(Raw { method, path, headers, body }: Raw) -> Self {
        Self { method, path, headers, body: String::from_utf8(body).expect("UTF-8") }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// Starts a channel server that responds with `answer`; for `None`, Front waits until it times out. Returns the
/// server's URL and the requests that it receives.
fn serve(answer: impl Fn(&Got) -> Option<(u16, String)> + Send + Sync + 'static) -> (String, Arc<Mutex<Vec<Got>>>) {
    let (address, got) = listen(Got::read, answer);
    (format!("http://{address}"), got)
}

/// Returns a response that Front accepts: an id derived from Front's id, and the conversation of the request.
fn fine(got: &Got) -> Option<(u16, String)> {
    let (json, host) = (got.json(), got.header("host").unwrap_or_default());
    let answer = match got.kind().as_str() {
        "authorization" => {
            let channel = json["payload"]["channel_id"].as_str().unwrap_or_default();
            json!({ "type": "success", "webhook_url": format!("http://{host}/front/{channel}") })
        }
        "message" | "message_autoreply" => {
            let id = format!("gw-{}", json["payload"]["id"].as_str().unwrap_or("autoreply"));
            let thread = json["metadata"]["external_conversation_ids"][0].as_str().unwrap_or(&id).to_owned();
            success(&id, &thread)
        }
        _ => json!({}),
    };
    Some((200, answer.to_string()))
}

fn success(id: &str, thread: &str) -> Value {
    json!({ "type": "success", "external_id": id, "external_conversation_id": thread })
}

/// Starts a simulator without rate limits, with one channel whose server responds with `answer`.
fn connected(
    answer: impl Fn(&Got) -> Option<(u16, String)> + Send + Sync + 'static,
) -> (Front, Client, Arc<Mutex<Vec<Got>>>) {
    let (url, got) = serve(answer);
    let front = Front::start();
    front.burst(u32::MAX);
    front.budget(u32::MAX, Duration::from_secs(60));
    let channel = front.connect(&url).expect("it is connected");
    let client = Client::new(&front, &channel);
    (front, client, got)
}

fn kinds(front: &Front) -> Vec<String> {
    front.hooks().into_iter().map(|fired| fired.kind).collect()
}

/// Imports a message, waits until Front has notified the server, and returns the conversation.
fn imported(front: &Front, client: &Client, thread: &str, id: &str, text: &str) -> String {
    assert_eq!(client.import(thread, id, text).expect("an answer").status, 202);
    let is_told = |body: &Value| body["payload"]["metadata"]["external_id"] == id;
    front
        .wait_for(|state| state.hooks().iter().any(|fired| fired.kind == "message_imported" && is_told(&fired.json())));
    front.conversation(thread).id
}
