//! Client of Twilio's Conversations API.
//!
//! An error states whether the call had no effect, was rejected with Twilio's own code, or may have had an effect.

pub(crate) mod configuration;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_net::Client;
use frontgate_twilio::Settings;
use frontgate_twilio::action::Fields;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// The header that makes Twilio fire the webhooks of a change by its API.
const WEBHOOK_ENABLED: HeaderName = HeaderName::from_static("x-twilio-webhook-enabled");

/// Which webhooks a change fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FiredWebhooks {
    None,
    All,
}

/// Status and body of a success.
type Answer = (StatusCode, Option<Bytes>);

/// A client of the API for one tenant's account.
pub struct ConversationsApi {
    client: Arc<Client>,
    /// The URL with the version, such as `https://conversations.twilio.com/v1`.
    base: Url,
    authorization: HeaderValue,
}

/// The reason why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The call was not sent and had no effect, so it can be repeated.
    #[error("{0}")]
    NotSent(String),
    /// Twilio rejected the call.
    #[error("Twilio answered {status}{}", .code.map(|code| format!(", code {code}")).unwrap_or_default())]
    Rejected {
        /// HTTP status.
        status: StatusCode,
        /// Code from Twilio's list of errors.
        code: Option<u32>,
        /// `Retry-After`, if Twilio sent it.
        retry_after: Option<Duration>,
    },
    /// The call may have had its effect.
    #[error("{0}")]
    NoResponse(String),
}

/// A conversation.
#[derive(Debug, Deserialize)]
pub struct Conversation {
    /// The name that the app shows.
    pub friendly_name: Option<String>,
    /// The name that the company's own programs use.
    pub unique_name: Option<String>,
    /// Attributes, a JSON object as text.
    pub attributes: Option<String>,
    /// `initializing`, `active`, `inactive` or `closed`.
    pub state: Option<String>,
    /// SID of the messaging service, `MG...`.
    pub messaging_service_sid: Option<String>,
    /// SID of the conversation service, `IS...`.
    pub chat_service_sid: Option<String>,
    /// SID of the account, `AC...`.
    pub account_sid: Option<String>,
}

/// A participant of a conversation.
#[derive(Debug, Deserialize)]
pub struct Participant {
    /// Twilio's SID, `MB...`.
    pub sid: String,
    /// Attributes, a JSON object as text.
    pub attributes: Option<String>,
    /// Addresses of the participant; `None` for a worker.
    pub messaging_binding: Option<Binding>,
}

/// A participant's addresses.
#[derive(Debug, Deserialize)]
pub struct Binding {
    /// The customer's address.
    pub address: Option<String>,
    /// The tenant's number that the customer writes to.
    pub proxy_address: Option<String>,
    /// The number under which a worker appears in a group.
    pub projected_address: Option<String>,
}

/// A message of a conversation.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// Twilio's SID, `IM...`.
    pub sid: String,
    /// Attributes, a JSON object as text.
    pub attributes: Option<String>,
}

/// A page of messages, newest first.
#[derive(Debug)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Token of the next page; `None` for the last one.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Participants {
    participants: Vec<Participant>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<Url>,
}

/// Any JSON value.
#[derive(Deserialize)]
struct Anything {}

#[derive(Deserialize)]
struct Problem {
    code: Option<u32>,
}

impl ConversationsApi {
    /// Creates the client of an account; `None` without credentials. The settings must have been checked.
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

    /// Adds a worker to a conversation. In a group, the worker appears under a number of the tenant.
    pub async fn add_worker(
        &self,
        conversation: &str,
        identity: &str,
        projected_address: Option<&str>,
    ) -> Result<Participant, ApiError> {
        let mut form = vec![("Identity", identity)];
        form.extend(projected_address.map(|address| ("MessagingBinding.ProjectedAddress", address)));
        self.write(&["Conversations", conversation, "Participants"], &form).await
    }

    /// Adds a participant, and fires the webhooks of the change.
    pub async fn add_participant(&self, conversation: &str, fields: &Fields) -> Result<Participant, ApiError> {
        self.change(&["Conversations", conversation, "Participants"], fields).await
    }

    /// Removes a participant, by SID or identity, and fires the webhooks of the change.
    pub async fn remove_participant(&self, conversation: &str, id: &str) -> Result<(), ApiError> {
        let url = self.url(&["Conversations", conversation, "Participants", id]);
        self.send(Method::DELETE, &url, Bytes::new(), FiredWebhooks::All).await.map(drop)
    }

    /// Adds a message, and fires the webhooks of the change.
    pub async fn post_message(&self, conversation: &str, fields: &Fields) -> Result<Message, ApiError> {
        self.change(&["Conversations", conversation, "Messages"], fields).await
    }

    /// Returns a page of messages, newest first.
    pub async fn messages(&self, conversation: &str, token: Option<&str>) -> Result<MessagePage, ApiError> {
        let mut url = self.url(&["Conversations", conversation, "Messages"]);
        url.query_pairs_mut().append_pair("Order", "desc").append_pair("PageSize", "100");
        url.query_pairs_mut().extend_pairs(token.map(|token| ("PageToken", token)));
        let page: Messages = self.exchange(Method::GET, &url, Bytes::new()).await?;
        // Only the token is taken from the URL, which may name another host.
        let token = |url: Url| url.query_pairs().find(|(name, _)| name == "PageToken").map(|(_, token)| token.into());
        Ok(MessagePage { messages: page.messages, next: page.meta.next_page_url.and_then(token) })
    }

    /// Changes a conversation, and fires the webhooks of the change.
    pub async fn update_conversation(&self, conversation: &str, fields: &Fields) -> Result<(), ApiError> {
        self.change::<Anything>(&["Conversations", conversation], fields).await.map(drop)
    }

    /// Returns a conversation.
    pub async fn conversation(&self, conversation: &str) -> Result<Conversation, ApiError> {
        self.read(&["Conversations", conversation], None).await
    }

    /// Sets a conversation's name, and its attributes unless they are `None`.
    pub async fn name_conversation(
        &self,
        conversation: &str,
        friendly_name: &str,
        attributes: Option<&str>,
    ) -> Result<(), ApiError> {
        let mut form = vec![("FriendlyName", friendly_name)];
        form.extend(attributes.map(|attributes| ("Attributes", attributes)));
        self.write::<Conversation>(&["Conversations", conversation], &form).await.map(drop)
    }

    /// Returns a participant, by SID or identity.
    pub async fn participant(&self, conversation: &str, id: &str) -> Result<Participant, ApiError> {
        self.read(&["Conversations", conversation, "Participants", id], None).await
    }

    /// Returns the first 100 participants of a conversation, which is more than a group may have.
    pub async fn participants(&self, conversation: &str) -> Result<Vec<Participant>, ApiError> {
        let path = ["Conversations", conversation, "Participants"];
        Ok(self.read::<Participants>(&path, Some("PageSize=100")).await?.participants)
    }

    /// Replaces a participant's attributes.
    pub async fn set_attributes(&self, conversation: &str, sid: &str, attributes: &str) -> Result<(), ApiError> {
        let path = ["Conversations", conversation, "Participants", sid];
        self.write::<Participant>(&path, &[("Attributes", attributes)]).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &[&str], query: Option<&str>) -> Result<T, ApiError> {
        let mut url = self.url(path);
        url.set_query(query);
        self.exchange(Method::GET, &url, Bytes::new()).await
    }

    /// Writes like [`ConversationsApi::write`], and fires the webhooks of the change, so that plugins check and see it.
    async fn change<T: DeserializeOwned>(&self, path: &[&str], form: &Fields) -> Result<T, ApiError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        read(self.send(Method::POST, &self.url(path), form.into(), FiredWebhooks::All).await?)
    }

    async fn write<T: DeserializeOwned>(&self, path: &[&str], form: &[(&str, &str)]) -> Result<T, ApiError> {
        self.post(&self.url(path), form).await
    }

    async fn post<T: DeserializeOwned>(&self, url: &Url, form: &[(&str, &str)]) -> Result<T, ApiError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, url, form.into()).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    async fn exchange<T: DeserializeOwned>(&self, method: Method, url: &Url, body: Bytes) -> Result<T, ApiError> {
        read(self.send(method, url, body, FiredWebhooks::None).await?)
    }

    /// Returns the headers of every request.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontgate/", env!("CARGO_PKG_VERSION"))));
        headers
    }

    /// Sends a request, and returns status and body of a success.
    async fn send(&self, method: Method, url: &Url, body: Bytes, fired: FiredWebhooks) -> Result<Answer, ApiError> {
        let mut headers = self.headers();
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        if fired == FiredWebhooks::All {
            headers.insert(WEBHOOK_ENABLED, HeaderValue::from_static("true"));
        }
        let response = self.client.send(method, url, headers, body).await.map_err(|failure| match failure {
            frontgate_net::SendError::NotSent(_) => ApiError::NotSent(failure.to_string()),
            frontgate_net::SendError::NoResponse(_) => ApiError::NoResponse(failure.to_string()),
        })?;
        if response.status.is_success() {
            return Ok((response.status, response.body));
        }
        if response.body.is_none() && response.status.is_client_error() {
            return Err(ApiError::NotSent(format!("Twilio answered {}; response body not received", response.status)));
        }
        let code = response.body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok()?.code);
        Err(ApiError::Rejected { status: response.status, code, retry_after: retry_after(&response.headers) })
    }
}

/// Reads the body of a success. A success without the expected body may not come from Twilio.
fn read<T: DeserializeOwned>((status, body): Answer) -> Result<T, ApiError> {
    let read = body.and_then(|body| serde_json::from_slice(&body).ok());
    read.ok_or_else(|| ApiError::NoResponse(format!("response with status {status} has no valid body")))
}

/// Returns the wait of `Retry-After`, which has seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}
