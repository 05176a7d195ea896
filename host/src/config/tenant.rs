//! `[tenants.NAME]`: whose callbacks are answered, with which keys, by which plugins.

use std::collections::BTreeMap;
use std::{fmt, slice};

use serde::Deserialize;

use super::front::FrontApp;
use super::secret::Secret;

/// A company whose callbacks this gateway answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tenant {
    /// What the tenant's addresses begin with: `/` for the only tenant, `/acme` for one of many.
    pub path: String,
    /// How Twilio signs, and how long it waits.
    pub twilio: Twilio,
    /// Front apps whose channels are served, by the name that stands in their addresses.
    pub front: BTreeMap<String, FrontApp>,
    /// Which plugins answer.
    pub roles: Roles,
}

impl Default for Tenant {
    fn default() -> Self {
        let (path, front) = ("/".to_owned(), BTreeMap::new());
        Self { path, twilio: Twilio::default(), front, roles: Roles::default() }
    }
}

impl Tenant {
    /// Every list of plugins of which one is to answer, with the role and the key under which it stands.
    pub fn named(&self) -> impl Iterator<Item = (Role, &[String], String)> {
        let roles = Role::ALL.into_iter().map(|role| (role, self.roles.plugins(role), format!("roles.{role}")));
        let apps = self.front.iter();
        let apps =
            apps.map(|(name, app)| (Role::Channel, slice::from_ref(&app.plugin), format!("front.{name}.plugin")));
        roles.filter(|(_, names, _)| !names.is_empty()).chain(apps)
    }
}

/// How Twilio signs, how long it waits, and how it is called back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    /// `AC...`; needed for calls back to Twilio, unless there is an API key.
    pub account_sid: Option<Secret>,
    /// Every one of them is accepted, so that a token can be replaced without a gap. Without an API
    /// key, the first one signs calls back to Twilio in.
    pub auth_tokens: Vec<Secret>,
    /// Signing keys of the customer's own.
    pub shared_keys: Vec<SharedKey>,
    /// `SK...`: signs calls back to Twilio in.
    pub api_key: Option<Secret>,
    /// What belongs to it.
    pub api_secret: Option<Secret>,
    /// Where the Conversations API is.
    pub conversations_url: String,
    /// Who gets an inbound conversation that no plugin gives to anybody.
    pub default_worker: Option<String>,
    /// Numbers of the tenant's own; tell which address of a group message is not a customer's.
    pub numbers: Vec<String>,
    /// How long a Frontline callback may take in all; Frontline gives up after 6,000.
    pub callback_timeout_ms: u64,
    /// How long a Conversations webhook may take in all; Twilio gives up after 5,000.
    pub webhook_timeout_ms: u64,
    /// What happens to a message or a conversation that no plugin could decide about.
    pub webhooks_fail: WebhooksFail,
    /// The largest page that a plugin is asked for, whatever `PageSize` says.
    pub page_size_max: u32,
}

impl Default for Twilio {
    fn default() -> Self {
        Self {
            account_sid: None,
            auth_tokens: Vec::new(),
            shared_keys: Vec::new(),
            api_key: None,
            api_secret: None,
            conversations_url: "https://conversations.twilio.com".to_owned(),
            default_worker: None,
            numbers: Vec::new(),
            callback_timeout_ms: 5_500,
            webhook_timeout_ms: 4_500,
            webhooks_fail: WebhooksFail::Open,
            page_size_max: 1_000,
        }
    }
}

impl Twilio {
    /// User and password for calls back to Twilio, if they are configured.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        match (&self.api_key, &self.api_secret, &self.account_sid, self.auth_tokens.first()) {
            (Some(key), Some(secret), ..) => Some((key.expose(), secret.expose())),
            (_, _, Some(account), Some(token)) => Some((account.expose(), token.expose())),
            _ => None,
        }
    }
}

/// How a webhook that Twilio waits for is answered when its plugin fails.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhooksFail {
    /// It passes: a broken plugin stops no customer.
    #[default]
    Open,
    /// It is rejected: nothing passes a moderation that was made to fail.
    Closed,
}

/// Whether a number is written in E.164: `+` and seven to fifteen digits.
pub fn is_e164(number: &str) -> bool {
    let Some(digits) = number.strip_prefix('+') else {
        return false;
    };
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// One of Twilio's SharedKeys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// `webhooks_sharedkey_...`, as Twilio names it in its header.
    pub id: String,
    /// What it signs with.
    pub secret: Secret,
    /// Never weakened by what a request says.
    #[serde(default)]
    pub algorithm: Algorithm,
}

/// How a key signs. The names are those of Twilio's header.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// What auth tokens always use.
    #[serde(rename = "HMAC_SHA1")]
    HmacSha1,
    /// What SharedKeys use.
    #[default]
    #[serde(rename = "HMAC_SHA256")]
    HmacSha256,
}

impl Algorithm {
    /// As Twilio writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC_SHA1",
            Self::HmacSha256 => "HMAC_SHA256",
        }
    }
}

/// Writes what there is to say of each role once.
macro_rules! roles {
    (
        $($(#[doc = $doc:literal])+ $role:ident = $name:ident: $asked:literal,)+
        ; $(#[doc = $other_doc:literal])+ $other:ident = $other_name:ident,
    ) => {
        /// A kind of question that plugins answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role {
            $($(#[doc = $doc])+ $role,)+
            $(#[doc = $other_doc])+ $other,
        }

        impl Role {
            /// Every role.
            pub const ALL: [Self; [$(Self::$role,)+ Self::$other].len()] = [$(Self::$role,)+ Self::$other];

            /// As in `config.toml`, the WIT package and the log.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$role => stringify!($name),)+
                    Self::$other => stringify!($other_name),
                }
            }
        }

        /// Plugins for each role, in the order in which they are asked.
        #[derive(Debug, Default, Clone, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Roles {
            $(#[doc = $asked] pub $name: Vec<String>,)+
        }

        impl Roles {
            /// The plugins of one role. That of a Front app's channels stands with the app.
            pub fn plugins(&self, role: Role) -> &[String] {
                match role {
                    $(Role::$role => &self.$name,)+
                    Role::$other => &[],
                }
            }
        }
    };
}

roles! {
    /// Which customers there are, and who is behind an address.
    Crm = crm: "The first one that is live answers.",
    /// Which texts fit a customer.
    Templates = templates: "The first one that is live answers.",
    /// From which number a conversation is begun.
    Outgoing = outgoing: "The first one that is live answers.",
    /// Who gets an inbound conversation.
    Routing = routing: "The first one that names a worker wins.",
    /// How conversations and participants look, and which messages pass.
    Conversations = conversations: "The first one that is live answers.",
    ; /// A Front application channel.
    Channel = channel,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
