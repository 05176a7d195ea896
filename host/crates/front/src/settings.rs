//! `[tenants.NAME.front.APP]`: a Front app whose application channels are served.

pub mod oauth;

use frontgate_settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Front stops waiting for a response after this many milliseconds.
const TIMEOUT_MS: u64 = 7_000;

/// A Front app, and the plugin for the provider behind its channels. Front calls `{public_url}/front/APP`.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The App UID of the app's settings in Front. Tokens contain it.
    pub app_uid: Option<Secret>,
    /// App secrets of the app's settings in Front. All of them are accepted, so that a secret can be replaced without
    /// downtime. The first one signs calls to Front.
    pub app_secrets: Vec<Secret>,
    /// Plugin that connects the provider: it has the role `channel`.
    pub plugin: String,
    /// Sign-in of people who connect a channel, for a published app. Without it, an admin enters a token in Front.
    pub oauth: Option<oauth::Oauth>,
    /// URL of Front's API.
    #[default = "https://api2.frontapp.com"]
    pub api_url: String,
    /// Origins of messages' files, in addition to `api_url`. Requests to them carry a token. `https://*.` matches all
    /// hosts below a name.
    #[default(vec!["https://*.api.frontapp.com".to_owned()])]
    pub files_urls: Vec<String>,
    /// Origins that those may redirect to. Requests to them carry no token.
    #[default(vec!["https://*.amazonaws.com".to_owned()])]
    pub storage_urls: Vec<String>,
    /// Private networks, such as `10.0.0.0/8`, in which hosts that match a `*.` pattern may be. A host that is written
    /// in full may be at any address.
    pub files_networks: Vec<String>,
    /// Timeout of a request of Front, which itself stops waiting after 7000. Work that is not finished by then
    /// continues, and a failure is reported to Front later.
    #[default = 6_500]
    #[schemars(range(min = 1, max = TIMEOUT_MS - 1))]
    pub timeout_ms: u64,
    /// Timeout of a request of a channel's provider.
    #[default = 4_500]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub provider_timeout_ms: u64,
    /// Maximum difference between the time of a request and the gateway's clock, in either direction.
    #[default = 300_000]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub signature_window_ms: u64,
    /// Maximum size in bytes of the body of a request of Front or of a provider.
    #[default(2 << 20)]
    #[schemars(range(min = 1_024, max = 1 << 30))]
    pub body_bytes_max: usize,
    /// Connected channels.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub channels_max: usize,
    /// Events in one result of the plugin.
    #[default = 100]
    #[schemars(range(min = 1, max = 10_000))]
    pub events_max: usize,
    /// Messages and reports of one channel's provider that are not imported yet or were given up. Further ones get
    /// 503.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub waiting_max: u64,
    /// Size of those in bytes.
    #[default(64 << 20)]
    #[schemars(range(min = 1, max = 1_u64 << 50))]
    pub waiting_bytes_max: u64,
    /// Concurrent requests of one channel's provider. Further requests wait.
    #[default = 16]
    #[schemars(range(min = 1, max = 4_096))]
    pub provider_calls_per_channel_max: usize,
    /// Calls per second to Front for one channel. The calls of all channels together follow the rate limit that Front
    /// reports.
    #[default = 5]
    #[schemars(range(min = 1, max = 1_000))]
    pub calls_per_second_max: u32,
    /// Concurrent deliveries of one channel in each direction. The smallest value of a tenant's apps applies.
    #[default = 4]
    #[schemars(range(min = 1, max = 1_000))]
    pub at_once_per_channel_max: usize,
    /// Time for Front to confirm the import of a message after a call without a response. Then the call is repeated.
    #[default = 30_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub import_patience_ms: u64,
    /// Timeout of one file, or of one call with files.
    #[default = 60_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub files_timeout_ms: u64,
    /// Time between two checks whether the provider of a channel answers and accepts its credential. A channel that
    /// fails is checked every 15,000.
    #[default = 300_000]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub check_interval_ms: u64,
    /// Time for which the checks of a channel fail until Front shows it as offline. A refused credential counts at
    /// once.
    #[default = 600_000]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub offline_after_ms: u64,
    /// Time for which an unavailable file of a customer is retried. Then its message is imported without the file. A
    /// recording of a call is given up then.
    #[default = 600_000]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub file_patience_ms: u64,
    /// Interval at which the templates of each channel's provider are listed and brought to Front; 0 switches templates
    /// off.
    #[default = 900_000]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub templates_interval_ms: u64,
    /// Templates of one channel.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 100_000))]
    pub templates_max: usize,
}
