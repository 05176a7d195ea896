//! A simulator of a channel's provider, for the plugin `courier`. The simulator receives messages and files over HTTP,
//! sends events to the channel's webhook, and fails on demand.

use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use frontgate_simulators::common::{Body, Cut, Port, Reply, Watched};
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use url::Url;

use crate::platform::{self, Answer};

/// Headers of events.
const HEADERS: [(&str, &str); 2] = [("password", "courier"), ("content-type", "application/json")];

/// The maximum number of bytes kept of a file.
const BEGINNING_BYTES_MAX: usize = 4_096;

/// A fault of the provider when it receives a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Accepts the message, and delays the answer.
    Slow(Duration),
    /// Accepts the message and closes the connection without an answer.
    Silent,
    /// Closes the connection without accepting the message.
    Lost,
    /// Rejects the message permanently, with this reason.
    Refused(String),
    /// Rejects the message with this status.
    Status(u16),
}

/// An accepted message.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The provider's id.
    pub id: String,
    /// The provider's id of the conversation.
    pub conversation: String,
    /// The request's body.
    pub body: Value,
}

impl Taken {
    /// Returns the text of the message.
    pub fn text(&self) -> &str {
        self.body["text"].as_str().unwrap_or_default()
    }
}

/// An accepted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file name.
    pub name: String,
    /// The size in bytes.
    pub size: usize,
    /// The SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// The media type.
    pub content_type: String,
    /// `Content-Length`, if the sender set it.
    pub announced: Option<usize>,
    /// The first bytes.
    pub beginning: Vec<u8>,
}

/// The state of the provider.
#[derive(Debug, Default)]
pub struct Known {
    /// Accepted messages in order of arrival.
    pub messages: Vec<Taken>,
    /// Accepted files in order of arrival.
    pub uploads: Vec<Upload>,
    /// The ids of removed channels.
    pub removed: Vec<String>,
    /// The number of messages received, including rejected ones.
    pub attempts: usize,
    /// The number of questions whether the provider works.
    pub checks: usize,
    /// The number of requests for templates.
    pub template_requests: usize,
    /// Templates: id, status and body.
    templates: Vec<[String; 3]>,
    files: Vec<(String, Bytes)>,
    is_revoked: bool,
    troubles: VecDeque<Trouble>,
    always: Option<Trouble>,
}

impl Known {
    /// Returns the texts of the messages.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().map(Taken::text).collect()
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider knows {self:#?}")
    }
}

/// A running provider, stopped on drop.
pub struct Provider {
    known: Arc<Watched<Known>>,
    port: Port,
    /// `None` only during drop.
    runtime: Option<Runtime>,
}

impl Provider {
    /// Starts a provider on a free port.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let port = Port::reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let provider =
            Self { known: Arc::new(Watched::new(Known::default())), port, runtime: Some(runtime.expect("a runtime")) };
        provider.come_back();
        provider
    }

    /// Returns the address of the API.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Simulates an outage: drops all connections and refuses new ones.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Ends the outage.
    pub fn come_back(&self) {
        let known = Arc::clone(&self.known);
        self.port.open(self.runtime(), move |_, request| respond(Arc::clone(&known), request));
    }

    /// Queues a fault for the next message.
    pub fn trouble(&self, trouble: Trouble) {
        self.known.update(|known| known.troubles.push_back(trouble));
    }

    /// Sets a fault for all messages without a queued one.
    pub fn always(&self, trouble: Option<Trouble>) {
        self.known.update(|known| known.always = trouble);
    }

    /// Sets whether the provider refuses the credential in `check`.
    pub fn revoke(&self, is_revoked: bool) {
        self.known.update(|known| known.is_revoked = is_revoked);
    }

    /// Adds a file, served at `/files/NAME` and, without `Content-Length`, at `/unsized/NAME`.
    pub fn file(&self, name: &str, content: impl Into<Bytes>) {
        self.known.update(|known| known.files.push((name.to_owned(), content.into())));
    }

    /// Replaces the templates: id, status and body of each.
    pub fn templates(&self, templates: &[[&str; 3]]) {
        self.known.update(|known| known.templates = templates.iter().map(|one| one.map(str::to_owned)).collect());
    }

    /// Calls `look` with the state.
    pub fn look<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        self.known.read(look)
    }

    /// Blocks until the condition is true.
    ///
    /// # Panics
    ///
    /// Panics after one minute.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&Known) -> bool) {
        self.known.wait_for(condition);
    }

    /// Sends events to a channel's webhook at a gateway.
    pub fn tell(gateway: SocketAddr, webhook_url: &str, events: &Value) -> Answer {
        let url = Url::parse(webhook_url).expect("a URL");
        crate::post(gateway, url.path(), &HEADERS, events.to_string().as_bytes())
    }

    /// Sends events to a gateway that may exit meanwhile. Returns true if the gateway accepted them.
    pub fn try_tell(gateway: SocketAddr, webhook_url: &str, events: &Value) -> bool {
        let url = Url::parse(webhook_url).expect("a URL");
        let status = platform::try_post(gateway, url.path(), &HEADERS, events.to_string().as_bytes());
        status == Some(202)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until it is dropped")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn respond(known: Arc<Watched<Known>>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let reply = match (&head.method, segments.as_slice()) {
        (&Method::POST, ["messages"]) => message(&known, body).await?,
        (&Method::GET, ["messages", key]) => known.read(|known| {
            let found = known.messages.iter().find(|taken| taken.body["key"] == **key);
            found.map_or_else(|| Reply::new(404, ""), |taken| Reply::new(200, receipt(taken)))
        }),
        (&Method::GET, ["status"]) => known.update(|known| {
            known.checks += 1;
            Reply::new(if known.is_revoked { 401 } else { 204 }, "")
        }),
        (&Method::POST, ["files", name]) => {
            let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let announced = text("content-length").and_then(|length| length.parse().ok());
            upload(&known, name, text("content-type").unwrap_or_default(), announced, body).await?
        }
        (&Method::GET, ["files", name]) => known.read(|known| {
            let found = known.files.iter().find(|(known, _)| known == name);
            found.map_or_else(|| Reply::new(404, ""), |(_, content)| Reply::new(200, content.clone()))
        }),
        (&Method::GET, ["unsized", name]) => {
            let found = known.read(|known| known.files.iter().find(|(known, _)| known == name).cloned());
            let (_, content) = found.ok_or(Cut)?;
            let frame = std::future::ready(Ok(Frame::data(content)));
            return Ok(Response::new(StreamBody::new(stream::once(frame)).boxed_unsync()));
        }
        (&Method::GET, ["templates"]) => templates(&known, head.uri.query().unwrap_or_default()),
        (&Method::DELETE, ["channels", channel]) => {
            known.update(|known| known.removed.push((*channel).to_owned()));
            Reply::new(204, "")
        }
        _ => Reply::new(404, ""),
    };
    Ok(reply.into())
}

/// Returns a page of two templates; 404 without templates.
fn templates(known: &Watched<Known>, query: &str) -> Reply {
    known.update(|known| {
        known.template_requests += 1;
        let page: usize = query.strip_prefix("page=").and_then(|page| page.parse().ok()).unwrap_or_default();
        if known.templates.is_empty() {
            return Reply::new(404, "");
        }
        let rest = known.templates.get(page * 2..).unwrap_or_default();
        let next = (rest.len() > 2).then(|| (page + 1).to_string());
        Reply::new(200, json!({ "templates": rest.iter().take(2).collect::<Vec<_>>(), "next": next }).to_string())
    })
}

async fn message(known: &Watched<Known>, body: Incoming) -> Result<Reply, Cut> {
    let body: Value = serde_json::from_slice(&body.collect().await.map_err(|_| Cut)?.to_bytes()).unwrap_or_default();
    let trouble = known.update(|known| {
        known.attempts += 1;
        known.troubles.pop_front().or_else(|| known.always.clone())
    });
    match trouble {
        Some(Trouble::Lost) => return Err(Cut),
        Some(Trouble::Refused(words)) => return Ok(Reply::new(422, words)),
        // `Retry-After` tells the plugin that the message had no effect.
        Some(Trouble::Status(status)) => return Ok(Reply::new(status, "").header("retry-after", "0")),
        Some(Trouble::Slow(_) | Trouble::Silent) | None => {}
    }
    let taken = known.update(|known| {
        let conversation = body["conversations"][0].as_str().map(str::to_owned);
        let conversation = conversation.unwrap_or_else(|| format!("C{}", body["to"][0].as_str().unwrap_or_default()));
        let taken = Taken { id: format!("P{}", known.messages.len() + 1), conversation, body };
        known.messages.push(taken.clone());
        taken
    });
    match trouble {
        Some(Trouble::Slow(time)) => sleep(time).await,
        Some(Trouble::Silent) => return Err(Cut),
        _ => {}
    }
    Ok(Reply::new(201, receipt(&taken)))
}

fn receipt(taken: &Taken) -> String {
    json!({ "id": taken.id, "conversation": taken.conversation }).to_string()
}

async fn upload(
    known: &Watched<Known>,
    name: &str,
    content_type: String,
    announced: Option<usize>,
    mut body: Incoming,
) -> Result<Reply, Cut> {
    let (mut size, mut hash, mut beginning) = (0, Sha256::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| Cut)?.into_data().unwrap_or_default();
        size += data.len();
        hash.update(&data);
        if beginning.len() < BEGINNING_BYTES_MAX {
            beginning.extend_from_slice(&data);
        }
    }
    let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = name.to_owned();
    known.update(|known| known.uploads.push(Upload { name, size, digest, content_type, announced, beginning }));
    Ok(Reply::new(201, ""))
}
