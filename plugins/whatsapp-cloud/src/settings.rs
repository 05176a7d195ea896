//! The operator's settings.

use frontgate_sdk::{Error, Result, settings};
use serde::Deserialize;

/// The version of the Graph API that the plugin was written for.
const API_VERSION: &str = "v23.0";

/// The settings of one call.
#[derive(Deserialize)]
pub(crate) struct Settings {
    /// The WhatsApp Business account.
    pub(crate) business_account_id: String,
    /// The text that Meta sends to verify the webhook's URL.
    pub(crate) verify_token: String,
    #[serde(default = "api_url")]
    api_url: String,
    #[serde(default = "api_version")]
    api_version: String,
}

fn api_url() -> String {
    "https://graph.facebook.com".to_owned()
}

fn api_version() -> String {
    API_VERSION.to_owned()
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
        let settings: Self = settings::read()?;
        let id = &settings.business_account_id;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            let problem = "the setting `business_account_id` is not the id of a WhatsApp Business account: digits only";
            return Err(Error::failed(problem));
        }
        if settings.verify_token.is_empty() {
            return Err(Error::failed("the setting `verify_token` is empty; choose a text, and enter it at Meta, too"));
        }
        Ok(settings)
    }

    /// Returns the URL of a resource of the Graph API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.api_url.trim_end_matches('/'), self.api_version)
    }

    /// Returns the URL of a list of the WhatsApp Business account.
    pub(crate) fn account_url(&self, list: &str) -> String {
        self.url(&format!("{}/{list}", self.business_account_id))
    }
}
