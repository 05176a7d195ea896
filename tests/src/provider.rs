//! A stand-in for the provider of a channel: it takes messages and files over HTTP, remembers what it took,
//! tells its webhook what happens, and hangs, refuses and goes down on demand.

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

/// Of what the provider tells.
const HEADERS: [(&str, &str); 2] = [("password", "courier"), ("content-type", "application/json")];

/// As much of a file is kept.
const BEGINNING_BYTES_MAX: usize = 4_096;

/// What becomes of one message that is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It is taken at once, and the answer comes after this long.
    Slow(Duration),
    /// It is taken, and the connection is closed without an answer.
    Silent,
    /// It is not taken, and the connection is closed.
    Lost,
    /// It is refused for good, with these words.
    Refused(String),
    /// It is not taken, with this status.
    Status(u16),
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// What the provider calls it.
    pub id: String,
    /// And its conversation.
    pub conversation: String,
    /// What came.
    pub body: Value,
}

impl Taken {
    /// What it says.
    pub fn text(&self) -> &str {
        self.body["text"].as_str().unwrap_or_default()
    }
}

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: usize,
    /// Their SHA-256.
    pub digest: String,
    /// Its type.
    pub content_type: String,
    /// `Content-Length`, where the sender said it.
    pub announced: Option<usize>,
    /// What came first of it.
    pub beginning: Vec<u8>,
}

/// What the provider knows.
#[derive(Debug, Default)]
pub struct Known {
    /// In the order in which they came.
    pub messages: Vec<Taken>,
    /// The same.
    pub uploads: Vec<Upload>,
    /// Channels that were removed.
    pub removed: Vec<String>,
    /// Messages that were handed in, those included that were not taken.
    pub attempts: usize,
    files: Vec<(String, Bytes)>,
    troubles: VecDeque<Trouble>,
    always: Option<Trouble>,
}

impl Known {
    /// The texts of the messages.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().map(Taken::text).collect()
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider knows {self:#?}")
    }
}

/// The provider, stopped when it is dropped.
pub struct Provider {
    known: Arc<Watched<Known>>,
    port: Port,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

impl Provider {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let port = Port::reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let provider =
            Self { known: Arc::new(Watched::new(Known::default())), port, runtime: Some(runtime.expect("a runtime")) };
        provider.come_back();
        provider
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Refuses connections from now on, and cuts those that there are.
    pub fn go_down(&self) {
        self.port.close(self.runtime());
    }

    /// Listens again.
    pub fn come_back(&self) {
        let known = Arc::clone(&self.known);
        self.port.open(self.runtime(), move |_, request| respond(Arc::clone(&known), request));
    }

    /// What becomes of the next message that has no trouble yet.
    pub fn trouble(&self, trouble: Trouble) {
        self.known.update(|known| known.troubles.push_back(trouble));
    }

    /// What becomes of every message from now on.
    pub fn always(&self, trouble: Option<Trouble>) {
        self.known.update(|known| known.always = trouble);
    }

    /// A file that can be fetched at `/files/NAME`, and at `/unsized/NAME` by whoever does not ask how large it is.
    pub fn file(&self, name: &str, content: impl Into<Bytes>) {
        self.known.update(|known| known.files.push((name.to_owned(), content.into())));
    }

    /// What somebody makes of what it knows.
    pub fn look<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        self.known.read(look)
    }

    /// Waits until something is so.
    /// Panics if it is not so after a minute.
    #[track_caller]
    pub fn wait_for(&self, condition: impl Fn(&Known) -> bool) {
        self.known.wait_for(condition);
    }

    /// Tells a gateway's webhook of events.
    pub fn tell(gateway: SocketAddr, webhook_url: &str, events: &Value) -> Answer {
        let url = Url::parse(webhook_url).expect("a URL");
        crate::post(gateway, url.path(), &HEADERS, events.to_string().as_bytes())
    }

    /// The same of a gateway that may end meanwhile; says whether the events were taken.
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
        (&Method::DELETE, ["channels", channel]) => {
            known.update(|known| known.removed.push((*channel).to_owned()));
            Reply::new(204, "")
        }
        _ => Reply::new(404, ""),
    };
    Ok(reply.into())
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
        // Whoever says when to come again has done nothing.
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
