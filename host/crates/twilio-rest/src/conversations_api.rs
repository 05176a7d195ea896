//! Client of Twilio's Conversations API.
//!
//! An error states whether the call had no effect, was rejected with Twilio's own code, or may have had an effect.

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

/// The webhooks of an account.
#[derive(Debug, Deserialize)]
pub struct Webhooks {
    /// URL that Twilio calls before events happen.
    pub pre_webhook_url: Option<String>,
    /// URL that Twilio calls after events have happened.
    pub post_webhook_url: Option<String>,
    /// The selected events.
    pub filters: Option<Vec<String>>,
    /// HTTP method of the webhooks: `GET` or `POST`.
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

    /// Returns the account's webhooks.
    pub async fn webhooks(&self) -> Result<Webhooks, ApiError> {
        self.read(&["Configuration", "Webhooks"], None).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &[&str], query: Option<&str>) -> Result<T, ApiError> {
        let mut url = self.url(path);
        url.set_query(query);
        self.exchange(Method::GET, &url, Bytes::new()).await
    }

    async fn write<T: DeserializeOwned>(&self, path: &[&str], form: &[(&str, &str)]) -> Result<T, ApiError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, &self.url(path), form.into()).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    async fn exchange<T: DeserializeOwned>(&self, method: Method, url: &Url, body: Bytes) -> Result<T, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontgate/", env!("CARGO_PKG_VERSION"))));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        let response = self.client.send(method, url, headers, body).await.map_err(|failure| match failure {
            frontgate_net::SendError::NotSent(_) => ApiError::NotSent(failure.to_string()),
            frontgate_net::SendError::NoResponse(_) => ApiError::NoResponse(failure.to_string()),
        })?;
        if response.status.is_success() {
            // A success without the expected body may not come from Twilio.
            let read = response.body.and_then(|body| serde_json::from_slice(&body).ok());
            let unread = || ApiError::NoResponse(format!("response with status {} has no valid body", response.status));
            return read.ok_or_else(unread);
        }
        if response.body.is_none() && response.status.is_client_error() {
            return Err(ApiError::NotSent(format!("Twilio answered {}; response body not received", response.status)));
        }
        let code = response.body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok()?.code);
        Err(ApiError::Rejected { status: response.status, code, retry_after: retry_after(&response.headers) })
    }
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
