//! Checks `oauth` of a bound secret: which keys belong to which grant.

use frontgate_net::SigningKey;
use frontgate_runtime::settings::oauth::{Grant, Oauth, TOKEN};
use frontgate_runtime::settings::outbound::BoundSecret;
use frontgate_settings::Secret;

use super::Report;

/// Claims that have keys of their own, or that the gateway sets.
const RESERVED_CLAIMS: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "jti"];
/// Fields of a token request that have keys of their own, or that the gateway sets.
const RESERVED_PARAMETERS: [&str; 6] =
    ["grant_type", "client_id", "client_secret", "refresh_token", "assertion", "scope"];

pub(super) fn check(key: &str, bound: &BoundSecret, oauth: &Oauth, report: &mut Report<'_, '_>) {
    let place = format!("{{{TOKEN}}}");
    if !bound.value.contains(&place) {
        report.add(&format!("{key}.value"), "has no place for the access token", "write it as \"Bearer {token}\"");
    }
    if bound.secrets.contains_key(TOKEN) {
        let problem = "is the name of the access token of `oauth`";
        report.add(&format!("{key}.secrets.{TOKEN}"), problem, "give the secret another name");
    }
    let key = format!("{key}.oauth");
    if let Err(problem) = oauth.url() {
        report.add(&format!("{key}.token_url"), problem, "write it as \"https://login.example.com/oauth/token\"");
    }
    grant(&key, oauth, report);
    for (table, names, reserved) in
        [("claims", oauth.claims.keys(), RESERVED_CLAIMS), ("parameters", oauth.parameters.keys(), RESERVED_PARAMETERS)]
    {
        for name in names.filter(|name| reserved.contains(&name.as_str())) {
            report.add(
                &format!("{key}.{table}.{name}"),
                "is set by the gateway",
                "use the key of its own, or leave it out",
            );
        }
    }
    let pem = oauth.private_key.as_ref().filter(|secret| secret.error().is_none());
    if let Some(Err(error)) = pem.map(|pem| SigningKey::from_pem(pem.expose())) {
        let fix = "name a file with an RSA or P-256 key in PEM, without a password";
        report.add(&format!("{key}.private_key"), &format!("{error:#}"), fix);
    }
}

/// Reports keys that a grant lacks, and keys that belong to another one.
fn grant(key: &str, oauth: &Oauth, report: &mut Report<'_, '_>) {
    let (client, refresh, jwt) = match oauth.grant {
        Grant::ClientCredentials => (true, false, false),
        Grant::RefreshToken => (false, true, false),
        Grant::JwtBearer => (false, false, true),
    };
    let has = |secret: &Option<Secret>| secret.is_some();
    let required = [
        ("client_id", !jwt, !oauth.client_id.is_empty()),
        ("client_secret", client, has(&oauth.client_secret)),
        ("refresh_token", refresh, has(&oauth.refresh_token)),
        ("private_key", jwt, has(&oauth.private_key)),
        ("issuer", jwt && oauth.client_id.is_empty(), !oauth.issuer.is_empty()),
        ("client_id", jwt && has(&oauth.client_secret), !oauth.client_id.is_empty()),
    ];
    let name = serde_name(oauth.grant);
    for (part, _, _) in required.iter().filter(|(_, is_required, is_set)| *is_required && !is_set) {
        report.add(&format!("{key}.{part}"), &format!("is missing for the grant {name}"), "add it");
    }
    let foreign = [
        ("refresh_token", !refresh && has(&oauth.refresh_token)),
        ("private_key", !jwt && has(&oauth.private_key)),
        ("key_id", !jwt && !oauth.key_id.is_empty()),
        ("issuer", !jwt && !oauth.issuer.is_empty()),
        ("subject", !jwt && !oauth.subject.is_empty()),
        ("audience", !jwt && !oauth.audience.is_empty()),
        ("claims", !jwt && !oauth.claims.is_empty()),
    ];
    for (part, _) in foreign.iter().filter(|(_, is_set)| *is_set) {
        report.add(&format!("{key}.{part}"), &format!("has no effect for the grant {name}"), "leave it out");
    }
}

fn serde_name(grant: Grant) -> &'static str {
    match grant {
        Grant::ClientCredentials => "client-credentials",
        Grant::RefreshToken => "refresh-token",
        Grant::JwtBearer => "jwt-bearer",
    }
}
