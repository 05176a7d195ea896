//! `[tenants.NAME]`: whose callbacks are answered, with which keys, by which plugins.

use std::fmt;

use serde::Deserialize;

use super::secret::Secret;

/// A company whose callbacks this gateway answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tenant {
    /// What the tenant's addresses begin with: `/` for the only tenant, `/acme` for one of many.
    pub path: String,
    /// How Twilio signs, and how long it waits.
    pub twilio: Twilio,
    /// Which plugins answer.
    pub roles: Roles,
}

impl Default for Tenant {
    fn default() -> Self {
        Self { path: "/".to_owned(), twilio: Twilio::default(), roles: Roles::default() }
    }
}

/// How Twilio signs, and how long it waits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    /// Every one of them is accepted, so that a token can be replaced without a gap.
    pub auth_tokens: Vec<Secret>,
    /// Signing keys of the customer's own.
    pub shared_keys: Vec<SharedKey>,
    /// How long a Frontline callback may take in all; Frontline gives up after 6,000.
    pub callback_timeout_ms: u64,
    /// The largest page that a plugin is asked for, whatever `PageSize` says.
    pub page_size_max: u32,
}

impl Default for Twilio {
    fn default() -> Self {
        Self { auth_tokens: Vec::new(), shared_keys: Vec::new(), callback_timeout_ms: 5_500, page_size_max: 1_000 }
    }
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

/// A kind of question that plugins answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Which customers there are, and who is behind an address.
    Crm,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 1] = [Self::Crm];

    /// As in `config.toml`, the WIT package and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Plugins for each role, in the order in which they are asked.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// The first one that is live answers.
    pub crm: Vec<String>,
}

impl Roles {
    /// The plugins of one role.
    pub fn plugins(&self, role: Role) -> &[String] {
        match role {
            Role::Crm => &self.crm,
        }
    }
}
