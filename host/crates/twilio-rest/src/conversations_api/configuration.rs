//! Webhooks of the account, its services and single conversations, and the addresses that create conversations.

use std::time::SystemTime;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::DATE;
use serde::Deserialize;
use url::Url;

use super::{ApiError, ConversationsApi};
use crate::addresses::Address;
use crate::webhooks::{Level, ServiceWebhooks, WebhookConfiguration, Webhooks};

/// Pages of addresses, of 50 each, that are read. Bounds the requests for an account with many numbers.
const ADDRESS_PAGES_MAX: usize = 20;

/// A webhook of a single conversation.
#[derive(Debug, Deserialize)]
pub struct ConversationWebhook {
    /// `webhook`, `studio` or `trigger`.
    pub target: Option<String>,
    /// The URL and the events.
    #[serde(default)]
    pub configuration: ConversationWebhookTarget,
}

/// The target of a conversation's webhook.
#[derive(Debug, Default, Deserialize)]
pub struct ConversationWebhookTarget {
    /// The URL of a webhook.
    pub url: Option<String>,
    /// The events that are sent.
    pub filters: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Account {
    default_chat_service_sid: Option<String>,
}

#[derive(Deserialize)]
struct AddressPage {
    address_configurations: Vec<Address>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

#[derive(Deserialize)]
struct ConversationWebhooks {
    webhooks: Vec<ConversationWebhook>,
}

/// A response whose fields are not used.
#[derive(Deserialize)]
struct Written {}

impl ConversationsApi {
    /// Returns the webhooks of the account and of the tenant's service: the service in `conversations_url`, or the
    /// account's default service.
    pub async fn webhooks(&self) -> Result<WebhookConfiguration, ApiError> {
        let account: Webhooks = self.get(&self.account_url(&["Configuration", "Webhooks"])).await?;
        let named = self.named_service();
        let sid = match &named {
            Some(sid) => Some(sid.clone()),
            None => self.get::<Account>(&self.account_url(&["Configuration"])).await?.default_chat_service_sid,
        };
        let service = match sid {
            Some(sid) => {
                let webhooks = self.get(&self.webhooks_url(&Level::Service(sid.clone()))).await?;
                Some(ServiceWebhooks { sid, webhooks })
            }
            None => None,
        };
        Ok(WebhookConfiguration { account, service, is_service_named: named.is_some() })
    }

    /// Changes webhooks. Twilio keeps fields that the form does not contain.
    pub async fn set_webhooks(&self, level: &Level, form: &[(&str, &str)]) -> Result<(), ApiError> {
        self.post::<Written>(&self.webhooks_url(level), form).await.map(drop)
    }

    /// Returns the webhooks of one conversation, at most five.
    pub async fn conversation_webhooks(&self, conversation: &str) -> Result<Vec<ConversationWebhook>, ApiError> {
        let found: ConversationWebhooks = self.read(&["Conversations", conversation, "Webhooks"], None).await?;
        Ok(found.webhooks)
    }

    /// Returns the account's addresses, at most 1,000.
    pub async fn addresses(&self) -> Result<Vec<Address>, ApiError> {
        let mut url = self.account_url(&["Configuration", "Addresses"]);
        url.set_query(Some("PageSize=50"));
        let mut addresses = Vec::new();
        for _ in 0..ADDRESS_PAGES_MAX {
            let page: AddressPage = self.get(&url).await?;
            addresses.extend(page.address_configurations);
            // Only the query is used: the credentials go to the configured host.
            let next = page.meta.next_page_url.and_then(|next| Url::parse(&next).ok());
            let Some(query) = next.as_ref().and_then(Url::query) else { break };
            url.set_query(Some(query));
        }
        Ok(addresses)
    }

    /// Creates the configuration of an address, or changes the one with this SID.
    pub async fn set_address(&self, sid: Option<&str>, form: &[(&str, &str)]) -> Result<(), ApiError> {
        let path: Vec<_> = ["Configuration", "Addresses"].into_iter().chain(sid).collect();
        self.post::<Written>(&self.account_url(&path), form).await.map(drop)
    }

    /// Returns the time of Twilio's server, in whole seconds; `None` if the response has no date.
    pub async fn server_time(&self) -> Result<Option<SystemTime>, ApiError> {
        let url = self.account_url(&["Configuration"]);
        let sent = self.client.send(Method::GET, &url, self.headers(), Bytes::new()).await;
        let response = sent.map_err(|failure| ApiError::NotSent(failure.to_string()))?;
        let date = response.headers.get(DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| httpdate::parse_http_date(date).ok()))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &Url) -> Result<T, ApiError> {
        self.exchange(Method::GET, url, Bytes::new()).await
    }

    /// Returns the service in `conversations_url`.
    fn named_service(&self) -> Option<String> {
        let mut segments = self.base.path_segments()?.skip_while(|segment| *segment != "Services");
        segments.nth(1).filter(|sid| !sid.is_empty()).map(ToOwned::to_owned)
    }

    /// Returns the URL of a resource of the account, outside of services.
    fn account_url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        let segments = self.base.path_segments().expect("an http URL has a path");
        let account = segments.take_while(|segment| *segment != "Services");
        url.path_segments_mut().expect("an http URL has a path").clear().extend(account).pop_if_empty().extend(path);
        url
    }

    fn webhooks_url(&self, level: &Level) -> Url {
        match level {
            Level::Account => self.account_url(&["Configuration", "Webhooks"]),
            Level::Service(sid) => self.account_url(&["Services", sid, "Configuration", "Webhooks"]),
        }
    }
}
