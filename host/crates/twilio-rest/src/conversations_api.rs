//! Calls back to Twilio's Conversations API.
//!
//! A call says what is known of its effect: done, refused with Twilio's own code, not sent, or
//! unclear. What to make of it is [`super::reaction`]'s to say.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_net::Client;
use frontgate_twilio::Settings;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// One tenant's account at Twilio.
pub struct Rest {
    client: Arc<Client>,
    /// With the version, such as `https://conversations.twilio.com/v1`.
    base: Url,
    authorization: HeaderValue,
}

/// Why a call did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It has had no effect, and nobody has said that it cannot have one.
    #[error("{0}")]
    NotSent(String),
    /// Twilio said no.
    #[error("Twilio answered {status}{}", .code.map(|code| format!(", code {code}")).unwrap_or_default())]
    Refused {
        /// Of HTTP.
        status: StatusCode,
        /// Of Twilio's list of errors.
        code: Option<u32>,
        /// When to come again, if Twilio says so.
        retry_after: Option<Duration>,
    },
    /// It may have had its effect.
    #[error("{0}")]
    NoAnswer(String),
}

/// Somebody in a conversation.
#[derive(Debug, Deserialize)]
pub struct Participant {
    /// `MB...`.
    pub sid: String,
    /// A JSON object.
    pub attributes: Option<String>,
    /// By which addresses, if it is no worker.
    pub messaging_binding: Option<Binding>,
}

/// A participant's addresses.
#[derive(Debug, Deserialize)]
pub struct Binding {
    /// The customer's.
    pub address: Option<String>,
    /// The number that a worker appears under in a group.
    pub projected_address: Option<String>,
}

/// Which webhooks an account has, and for what.
#[derive(Debug, Deserialize)]
pub struct Webhooks {
    /// Asked before things happen.
    pub pre_webhook_url: Option<String>,
    /// Told afterwards.
    pub post_webhook_url: Option<String>,
    /// The events that are ticked.
    pub filters: Option<Vec<String>>,
    /// `GET` or `POST`.
    pub method: Option<String>,
}

#[derive(Deserialize)]
struct Participants {
    participants: Vec<Participant>,
}

#[derive(Deserialize)]
struct Problem {
    code: Option<u32>,
}

impl Rest {
    /// The account of a checked configuration, if there are credentials.
    pub fn new(config: &Settings, client: &Arc<Client>) -> Option<Self> {
        let (user, password) = config.credentials()?;
        let basic = Zeroizing::new(BASE64_STANDARD.encode(Zeroizing::new([user, ":", password].concat()).as_bytes()));
        let authorization = frontgate_net::confidential(Zeroizing::new(["Basic ", &basic].concat()));
        let authorization = authorization.expect("base64 is a header value");
        let mut base = Url::parse(&config.conversations_url).expect("a checked URL");
        if base.path().trim_matches('/').is_empty() {
            base.set_path("v1");
        }
        Some(Self { client: Arc::clone(client), base, authorization })
    }

    /// Adds a worker to a conversation; in a group, under a number.
    pub async fn add_worker(
        &self,
        conversation: &str,
        identity: &str,
        projected_address: Option<&str>,
    ) -> Result<Participant, Failure> {
        let mut form = vec![("Identity", identity)];
        form.extend(projected_address.map(|address| ("MessagingBinding.ProjectedAddress", address)));
        self.write(&["Conversations", conversation, "Participants"], &form).await
    }

    /// Somebody in a conversation, by SID or identity.
    pub async fn participant(&self, conversation: &str, id: &str) -> Result<Participant, Failure> {
        self.read(&["Conversations", conversation, "Participants", id], None).await
    }

    /// Who is in a conversation; a group has few.
    pub async fn participants(&self, conversation: &str) -> Result<Vec<Participant>, Failure> {
        let path = ["Conversations", conversation, "Participants"];
        Ok(self.read::<Participants>(&path, Some("PageSize=100")).await?.participants)
    }

    /// Replaces a participant's attributes.
    pub async fn set_attributes(&self, conversation: &str, sid: &str, attributes: &str) -> Result<(), Failure> {
        let path = ["Conversations", conversation, "Participants", sid];
        self.write(&path, &[("Attributes", attributes)]).await.map(drop)
    }

    /// Where the account's webhooks point.
    pub async fn webhooks(&self) -> Result<Webhooks, Failure> {
        self.read(&["Configuration", "Webhooks"], None).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &[&str], query: Option<&str>) -> Result<T, Failure> {
        let mut url = self.url(path);
        url.set_query(query);
        self.exchange(Method::GET, &url, Bytes::new()).await
    }

    async fn write(&self, path: &[&str], form: &[(&str, &str)]) -> Result<Participant, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, &self.url(path), form.into()).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    async fn exchange<T: DeserializeOwned>(&self, method: Method, url: &Url, body: Bytes) -> Result<T, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontgate/", env!("CARGO_PKG_VERSION"))));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        let answer = self.client.send(method, url, headers, body).await.map_err(|failure| match failure {
            frontgate_net::Failure::NotSent(_) => Failure::NotSent(failure.to_string()),
            frontgate_net::Failure::NoAnswer(_) => Failure::NoAnswer(failure.to_string()),
        })?;
        if answer.status.is_success() {
            // Whoever answers without saying what there is now may not be Twilio.
            let read = answer.body.and_then(|body| serde_json::from_slice(&body).ok());
            let unread = || Failure::NoAnswer(format!("the answer, {}, could not be read", answer.status));
            return read.ok_or_else(unread);
        }
        if answer.body.is_none() && answer.status.is_client_error() {
            return Err(Failure::NotSent(format!("Twilio answered {}, and its reason did not arrive", answer.status)));
        }
        let code = answer.body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok()?.code);
        Err(Failure::Refused { status: answer.status, code, retry_after: retry_after(&answer.headers) })
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}
