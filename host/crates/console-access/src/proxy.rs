//! People who are signed in at a proxy in front of the console: `[console.proxy]` and `[console.roles]`.
//!
//! The proxy names the person in a header. Any other process of the machine could send the same header, so it proves
//! itself by a secret in a second header. A request with only one of the two is rejected.

use std::collections::BTreeMap;

use frontgate_settings::Secret;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::Settings;
use crate::roles::Role;

/// Maximum length of a user's name, in characters. A longer one is rejected: cut names could be equal.
const USER_CHARS_MAX: usize = 90;

/// Follows a user's name in the record of actions. Names of login links are free, and must not be mistaken for users.
const SUFFIX: &str = " (proxy)";

/// Prefix of a group in `[console.roles]`.
const GROUP: &str = "group:";

/// Everyone in `[console.roles]`.
const EVERYONE: &str = "*";

/// A proxy in front of the console that signs people in and names them in a header.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Header in which the proxy names the person, such as `x-forwarded-email`. The proxy must remove this header from
    /// requests of browsers.
    pub user: String,
    /// Header in which the proxy lists the person's groups, separated by commas.
    pub groups: Option<String>,
    /// Header in which the proxy sends `secret`.
    pub secret_header: String,
    /// The secret that only the proxy and the gateway know. Without it, any process of the machine could name a person.
    pub secret: Secret,
    /// Path or URL at which the proxy signs a person out. The page after signing out of the console leads there.
    pub sign_out: Option<String>,
}

/// Roles of the people that the proxy names: users, `group:NAME`, or `*` for everyone.
#[derive(Debug, Default, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    /// People who read pages without personal data.
    pub viewer: Vec<String>,
    /// People who also show personal data.
    pub support: Vec<String>,
    /// People who also change deliveries, channels and plugins.
    pub operator: Vec<String>,
    /// Tenants that a user, `group:NAME` or `*` sees. The entry of the user decides, else those of all groups together,
    /// else `*`. Without an entry, a person sees all tenants.
    pub tenants: BTreeMap<String, Vec<String>>,
}

/// A person who is signed in at the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name, as in the record of actions.
    pub who: String,
    /// The highest role of the person; `None` if they have no role.
    pub role: Option<Role>,
    /// Names of the tenants that the person sees; `None` for all.
    pub tenants: Option<Vec<String>>,
}

/// Why headers of a proxy are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyRejection {
    /// The secret is missing, repeated or wrong.
    WrongSecret,
    /// The user is missing, repeated, too long, or has unusual characters.
    InvalidUser,
}

impl ProxyRejection {
    /// Returns the sentence for the person.
    pub fn text(self) -> &'static str {
        match self {
            Self::WrongSecret => {
                "The request names a person, but has not the secret of console.proxy. Only the proxy may name people."
            }
            Self::InvalidUser => "The proxy has not named exactly one person. See console.proxy.user.",
        }
    }
}

/// Returns the person that the proxy names; `None` for a request that did not pass the proxy, or without a proxy.
///
/// # Errors
///
/// Fails if a person is named without the proxy's secret, and if the proxy does not name exactly one person.
pub fn identity(headers: &HeaderMap, settings: &Settings) -> Result<Option<Identity>, ProxyRejection> {
    let Some(proxy) = &settings.proxy else { return Ok(None) };
    let names = [Some(&proxy.user), proxy.groups.as_ref(), Some(&proxy.secret_header)];
    if !names.into_iter().flatten().any(|name| headers.contains_key(name.as_str())) {
        return Ok(None);
    }
    let secret = only(headers, &proxy.secret_header).ok_or(ProxyRejection::WrongSecret)?;
    if !bool::from(secret.as_bytes().ct_eq(proxy.secret.expose().as_bytes())) {
        return Err(ProxyRejection::WrongSecret);
    }
    let user = only(headers, &proxy.user).and_then(|user| str::from_utf8(user.as_bytes()).ok()).map(str::trim);
    let user = user.filter(|user| !user.is_empty() && user.chars().count() <= USER_CHARS_MAX);
    let is_person = |user: &&str| !user.chars().any(char::is_control) && !user.starts_with(GROUP) && *user != EVERYONE;
    let user = user.filter(is_person).ok_or(ProxyRejection::InvalidUser)?;
    let groups = proxy.groups.as_ref().map(|name| groups(headers, name)).unwrap_or_default();
    let matches = |member: &str| match member.strip_prefix(GROUP) {
        Some(group) => groups.contains(&group),
        None => member == EVERYONE || member == user,
    };
    let role = Role::ALL.into_iter().rev().find(|role| settings.roles.of(*role).iter().any(|member| matches(member)));
    Ok(Some(Identity { who: format!("{user}{SUFFIX}"), role, tenants: settings.roles.tenants_of(user, &groups) }))
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn groups<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| str::from_utf8(value.as_bytes()).ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|group| !group.is_empty()).collect()
}

impl Members {
    /// Returns the members of a role.
    pub fn of(&self, role: Role) -> &[String] {
        match role {
            Role::Viewer => &self.viewer,
            Role::Support => &self.support,
            Role::Operator => &self.operator,
        }
    }

    /// Returns whether no person has a role.
    pub fn is_empty(&self) -> bool {
        Role::ALL.into_iter().all(|role| self.of(role).is_empty())
    }

    fn tenants_of(&self, user: &str, groups: &[&str]) -> Option<Vec<String>> {
        if let Some(tenants) = self.tenants.get(user) {
            return Some(tenants.clone());
        }
        let of_groups: Vec<_> = groups.iter().filter_map(|name| self.tenants.get(&format!("{GROUP}{name}"))).collect();
        if of_groups.is_empty() {
            return self.tenants.get(EVERYONE).cloned();
        }
        Some(of_groups.into_iter().flatten().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let mut settings: Settings = serde_json::from_value(serde_json::json!({
            "proxy": { "user": "x-user", "groups": "x-groups", "secret_header": "x-secret", "secret": { "env": "S" } },
            "roles": {
                "viewer": ["*"], "support": ["group:desk"], "operator": ["ana"],
                "tenants": { "ben": ["acme"], "group:desk": ["acme", "other"], "*": [] },
            },
        }))
        .expect("settings");
        settings.proxy.as_mut().expect("a proxy").secret.replace("0123456789abcdef");
        settings
    }

    fn named(pairs: &[(&'static str, &str)]) -> Result<Option<Identity>, ProxyRejection> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        identity(&headers, &settings())
    }

    const SECRET: (&str, &str) = ("x-secret", "0123456789abcdef");

    fn role(pairs: &[(&'static str, &str)]) -> (Option<Role>, Option<Vec<String>>) {
        let found = named(&[&[SECRET], pairs].concat()).expect("accepted").expect("a person");
        (found.role, found.tenants)
    }

    #[test]
    fn the_highest_role_of_user_and_groups_counts() {
        assert_eq!(role(&[("x-user", "ana")]), (Some(Role::Operator), Some(vec![])));
        let both = Some(vec!["acme".to_owned(), "other".to_owned()]);
        assert_eq!(role(&[("x-user", "eve"), ("x-groups", "a, desk")]), (Some(Role::Support), both));
        assert_eq!(role(&[("x-user", "ben")]), (Some(Role::Viewer), Some(vec!["acme".to_owned()])));
    }

    #[test]
    fn a_name_without_the_secret_is_rejected() {
        for secret in [&[][..], &[("x-secret", "0123456789abcdeX")], &[("x-secret", "")], &[SECRET, SECRET]] {
            let pairs = [&[("x-user", "ana")], secret].concat();
            assert_eq!(named(&pairs), Err(ProxyRejection::WrongSecret), "{pairs:?}");
        }
        assert_eq!(named(&[("x-groups", "desk")]), Err(ProxyRejection::WrongSecret));
    }

    #[test]
    fn the_proxy_names_exactly_one_person() {
        let long = "a".repeat(USER_CHARS_MAX + 1);
        for users in [
            &[][..],
            &[("x-user", "")],
            &[("x-user", "ana"), ("x-user", "ben")],
            &[("x-user", &*long)],
            &[("x-user", "group:desk")],
            &[("x-user", "*")],
        ] {
            assert_eq!(named(&[&[SECRET], users].concat()), Err(ProxyRejection::InvalidUser), "{users:?}");
        }
    }

    #[test]
    fn a_request_without_headers_of_the_proxy_names_no_person() {
        assert_eq!(named(&[("cookie", "a=b")]), Ok(None));
    }
}
