//! `[tenants.NAME.front.APP.oauth]`: the authorization server of a Front app.

use frontgate_settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Longest lifetime of an authorization code in milliseconds, as RFC 6749 recommends.
const CODE_LIFETIME_MS_MAX: u64 = 600_000;
/// One day in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// The authorization server of a Front app with OAuth. The plugin of the app also has the role `channel-login`. Front
/// calls `/oauth/authorize`, `/oauth/token` and `/oauth/introspect` below the app's address.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Oauth {
    /// The client id that the app's settings in Front contain; free to choose.
    pub client_id: String,
    /// The client secret of the app's settings in Front, at least 32 characters. All of them are accepted, so that a
    /// secret can be replaced without downtime.
    pub client_secrets: Vec<Secret>,
    /// The addresses of Front to which a person returns after the sign-in, exactly as Front sends them.
    pub redirect_uris: Vec<String>,
    /// The name of the app on the pages.
    #[default = "Front"]
    pub display_name: String,
    /// Whether the app's channel setting in Front is shared credentials: one sign-in for several channels. Otherwise each
    /// sign-in names one channel.
    pub shared_credentials: bool,
    /// Lifetime of an authorization code.
    #[default = 60_000]
    #[schemars(range(min = 1_000, max = CODE_LIFETIME_MS_MAX))]
    pub code_lifetime_ms: u64,
    /// Lifetime of an access token, at most that of a refresh token.
    #[default = 3_600_000]
    #[schemars(range(min = 60_000, max = DAY_MS))]
    pub access_token_lifetime_ms: u64,
    /// Lifetime of a refresh token. Each use issues a new one.
    #[default(90 * DAY_MS)]
    #[schemars(range(min = 3_600_000, max = 400 * DAY_MS))]
    pub refresh_token_lifetime_ms: u64,
    /// Time for a sign-in, from the first page to the consent.
    #[default = 900_000]
    #[schemars(range(min = 60_000, max = 3_600_000))]
    pub login_lifetime_ms: u64,
    /// Sign-ins in progress. A further one replaces the oldest one in which nothing was entered.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 100_000))]
    pub logins_max: usize,
    /// Steps of sign-ins per minute and gateway, which bounds how many passwords can be tried.
    #[default = 120]
    #[schemars(range(min = 1, max = 100_000))]
    pub steps_per_minute_max: u32,
}
