//! The operator's settings, and a channel's number.

use frontgate_sdk::channel::Connection;
use frontgate_sdk::{Error, Result, settings};

use crate::hooks::Webhooks;
use crate::number;
use crate::signature::Algorithm;
use crate::teammates::Teammates;

/// All settings.
const KNOWN: [&str; 13] = [
    "account_sid",
    "api_url",
    "consent",
    "content_url",
    "conversations_url",
    "media_url",
    "numbers",
    "service_sid",
    "shared_key_algorithm",
    "teammates.*",
    "voice",
    "voice_url",
    "webhooks",
];

/// The error for the settings of an earlier version.
const MOVED: &str = "secret `auth_token` is no longer used: replace it with webhook_keys = { twilio = { env = \
                     \"TWILIO_AUTH_TOKEN\" } }";

/// The settings of one call.
pub(crate) struct Settings {
    /// Includes the service; without a trailing slash.
    pub(crate) conversations_url: String,
    /// The URL for files, likewise.
    pub(crate) media_url: String,
    /// The URL of the Content API, without a trailing slash.
    pub(crate) content_url: String,
    /// The URL of the API of accounts, likewise.
    pub(crate) api_url: String,
    /// The account whose people may connect channels with OAuth.
    pub(crate) account_sid: Option<String>,
    /// Whether Twilio asks the service's pre-event webhook about each message.
    pub(crate) consent: bool,
    /// The company's numbers in Twilio's notation; at least one.
    pub(crate) numbers: Vec<String>,
    pub(crate) webhooks: Webhooks,
    /// Whether connecting registers the channel for its number's calls.
    pub(crate) voice: bool,
    /// The URL of the API of calls, without a trailing slash. Its host differs from `api_url`, because the key of the
    /// operator is bound to it, and `api_url` gets the secrets that people enter.
    pub(crate) voice_url: String,
    /// The algorithm of Twilio's SharedKeys.
    pub(crate) shared_key_algorithm: Algorithm,
    pub(crate) teammates: Teammates,
}

/// A channel with its settings.
pub(crate) struct Channel {
    pub(crate) settings: Settings,
    pub(crate) id: String,
    /// The company's number of this channel.
    pub(crate) number: String,
    pub(crate) webhook_url: String,
}

impl Channel {
    pub(crate) fn of(connection: Connection) -> Result<Self> {
        let settings = Settings::read()?;
        let number = settings.number(connection.credential.as_deref())?;
        Ok(Self { settings, id: connection.channel_id, number, webhook_url: connection.webhook_url })
    }

    /// Returns the URL of a resource of the service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.conversations_url)
    }

    /// Returns the URL of a resource of the Media Content Service.
    pub(crate) fn media_url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.media_url)
    }
}

impl Settings {
    /// Errors are `unavailable`: messages wait until the operator has fixed the settings.
    pub(crate) fn read() -> Result<Self> {
        Self::parse().map_err(|error| match error {
            Error::Failed(problem) => Error::Unavailable(problem),
            other => other,
        })
    }

    fn parse() -> Result<Self> {
        if settings::get("auth_token").is_some() {
            return Err(Error::failed(MOVED));
        }
        settings::only(&KNOWN)?;
        let url = |key: &str| settings::get(key).map(|url| url.trim().trim_end_matches('/').to_owned());
        let known_url = url("conversations_url");
        let in_url = known_url.as_deref().and_then(|url| url.split_once("/Services/")).map(|(_, sid)| sid.to_owned());
        let service = settings::get("service_sid").map(|sid| sid.trim().to_owned()).or(in_url);
        let below_service = |base: &str| -> Result<String> {
            let service = service.as_deref().filter(|sid| sid.starts_with("IS"));
            let missing = "setting `service_sid` missing; set it to the SID of the Conversations service (IS...)";
            Ok(format!("{base}/v1/Services/{}", service.ok_or_else(|| Error::failed(missing))?))
        };
        Ok(Self {
            conversations_url: known_url.map_or_else(|| below_service("https://conversations.twilio.com"), Ok)?,
            media_url: url("media_url").map_or_else(|| below_service("https://mcs.us1.twilio.com"), Ok)?,
            content_url: url("content_url").unwrap_or_else(|| "https://content.twilio.com".to_owned()),
            api_url: url("api_url").unwrap_or_else(|| "https://api.twilio.com".to_owned()),
            account_sid: settings::get("account_sid").map(|sid| sid.trim().to_owned()).filter(|sid| !sid.is_empty()),
            consent: consent()?,
            numbers: numbers()?,
            webhooks: webhooks()?,
            voice: voice()?,
            voice_url: url("voice_url").unwrap_or_else(|| "https://api.ashburn.us1.twilio.com".to_owned()),
            shared_key_algorithm: shared_key_algorithm()?,
            teammates: Teammates::read()?,
        })
    }

    /// Returns the number that the admin entered, or the only one.
    fn number(&self, typed: Option<&str>) -> Result<String> {
        let typed = typed.map(number::compact).filter(|typed| !typed.is_empty());
        match (typed, self.numbers.as_slice()) {
            (None, [only]) => Ok(only.clone()),
            (Some(typed), numbers) if numbers.contains(&typed) => Ok(typed),
            (_, numbers) => Err(Error::Invalid(format!("Enter one of the configured numbers: {}", numbers.join(", ")))),
        }
    }
}

fn numbers() -> Result<Vec<String>> {
    let list = settings::get("numbers").unwrap_or_default();
    let numbers: Vec<_> = list.split(',').map(number::compact).filter(|number| !number.is_empty()).collect();
    if numbers.is_empty() {
        let missing = "setting `numbers` missing; list the company's numbers, such as \"+12025550190\"";
        return Err(Error::failed(missing));
    }
    match numbers.iter().position(|number| !number::is_company(number)) {
        None => Ok(numbers),
        Some(at) => Err(Error::failed(format!(
            "number {} of the setting `numbers` is not one of Twilio; write for example +12025550190, whatsapp:+12025550190, \
             messenger:108000000000001 or rcs:acme_agent",
            at + 1
        ))),
    }
}

fn consent() -> Result<bool> {
    match settings::get("consent").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Error::failed(format!("the setting `consent` is `{other}`; write true or false"))),
    }
}

fn webhooks() -> Result<Webhooks> {
    match settings::get("webhooks").as_deref() {
        None | Some("number") => Ok(Webhooks::Number),
        Some("service") => Ok(Webhooks::Service),
        Some("manual") => Ok(Webhooks::Manual),
        Some(other) => {
            Err(Error::failed(format!("the setting `webhooks` is `{other}`; write number, service or manual")))
        }
    }
}

fn voice() -> Result<bool> {
    match settings::get("voice").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Error::failed(format!("the setting `voice` is `{other}`; write true or false"))),
    }
}

fn shared_key_algorithm() -> Result<Algorithm> {
    let name = settings::get("shared_key_algorithm").unwrap_or_else(|| "HMAC_SHA256".to_owned());
    Algorithm::named(&name).ok_or_else(|| {
        Error::failed(format!("the setting `shared_key_algorithm` is `{name}`; write HMAC_SHA256 or HMAC_SHA1"))
    })
}
