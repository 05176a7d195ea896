//! Checks of a request's headers, before anything else.
//!
//! - `Host` must be an address or a known name: a web page can have its own name resolve to the console's address (DNS
//!   rebinding), but then its requests have that name.
//! - `Origin` of a change must be the console itself: other web pages can send requests, too.
//! - The cookie names the session; the header `x-frontgate-proof` proves that a page of this origin sends the change.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{COOKIE, HOST, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use url::Url;

use crate::Settings;

/// Name of the cookie.
pub const COOKIE_NAME: &str = "frontgate-console";
/// Name of the cookie if the console is reached by HTTPS only. Browsers accept the prefix only with `Secure`.
pub const SECURE_COOKIE_NAME: &str = "__Host-frontgate-console";
/// The header with the proof.
pub const PROOF: HeaderName = HeaderName::from_static("x-frontgate-proof");
/// `Sec-Fetch-Site`, which browsers send.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The host is missing, repeated or invalid.
    AmbiguousHost,
    /// The host is not known.
    UnknownHost(String),
    /// A change comes from another web page, or from no page at all.
    ForeignOrigin,
}

impl Rejection {
    /// Returns the sentence for the person.
    pub fn text(&self) -> String {
        match self {
            Self::AmbiguousHost => "Send exactly one Host header.".to_owned(),
            Self::UnknownHost(host) => {
                format!("The console was called as `{host}`, which is not in console.hosts of the configuration.")
            }
            Self::ForeignOrigin => "The request does not come from a page of this console.".to_owned(),
        }
    }
}

/// Checks the host of a request, and returns it.
///
/// # Errors
///
/// Fails if the host is not known.
pub fn host(headers: &HeaderMap, settings: &Settings) -> Result<Authority, Rejection> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Rejection::AmbiguousHost) };
    let authority = Authority::try_from(host.as_bytes()).map_err(|_| Rejection::AmbiguousHost)?;
    let own = settings.url.as_deref().and_then(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
    let names = settings.hosts.iter().chain(&own).map(String::as_str);
    if is_known_host(authority.host(), names) { Ok(authority) } else { Err(Rejection::UnknownHost(shown(&authority))) }
}

/// Returns a host as it can be shown: it is a person's own input, of limited length.
fn shown(authority: &Authority) -> String {
    authority.host().chars().take(100).collect()
}

/// Returns whether a host is an address, `localhost`, a name below it, or one of these names. The check of every listener
/// of operators: the own names of other web pages are unknown.
pub fn is_known_host<'n>(host: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || names.any(|name| name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case(&host))
}

/// Checks that a change comes from a page of this console.
///
/// # Errors
///
/// Fails without an `Origin`, and for another one.
pub fn origin(headers: &HeaderMap, host: &Authority, settings: &Settings) -> Result<(), Rejection> {
    let site = headers.get(FETCH_SITE).map(hyper::header::HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return Err(Rejection::ForeignOrigin);
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return Err(Rejection::ForeignOrigin) };
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    let origin = origin.ok_or(Rejection::ForeignOrigin)?;
    let is_own = |other: &Url| other.origin() == origin.origin();
    // A proxy may add TLS, so the scheme of the request is not known.
    let by_host = ["http", "https"].iter().filter_map(|scheme| Url::parse(&format!("{scheme}://{host}")).ok());
    let configured = settings.url.as_deref().and_then(|url| Url::parse(url).ok());
    if by_host.chain(configured).any(|own| is_own(&own)) { Ok(()) } else { Err(Rejection::ForeignOrigin) }
}

/// Returns the secret in the session's cookie, if there is exactly one.
pub fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut found = all.filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        [COOKIE_NAME, SECURE_COOKIE_NAME].contains(&name).then(|| value.to_owned())
    });
    let secret = found.next()?;
    found.next().is_none().then_some(secret)
}

/// Returns the `Set-Cookie` header for a session's secret; an empty secret ends the session in the browser.
pub fn set_cookie(secret: &str, settings: &Settings) -> String {
    let is_secure = settings.url.as_deref().is_some_and(|url| url.starts_with("https:"));
    let (name, secure) = if is_secure { (SECURE_COOKIE_NAME, "; Secure") } else { (COOKIE_NAME, "") };
    let age = if secret.is_empty() { 0 } else { settings.session_max_ms / 1_000 };
    format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).expect("a name"), value.parse().expect("a value"));
        }
        headers
    }

    fn settings() -> Settings {
        Settings {
            url: Some("https://console.example.com".to_owned()),
            hosts: vec!["gw.corp".to_owned()],
            ..Settings::default()
        }
    }

    #[test]
    fn addresses_and_known_names_are_accepted() {
        for known in [
            "127.0.0.1:8082",
            "[::1]:8082",
            "10.2.3.4",
            "localhost:1",
            "a.localhost",
            "GW.corp.",
            "console.example.com",
        ] {
            assert!(host(&headers(&[("host", known)]), &settings()).is_ok(), "{known}");
        }
    }

    #[test]
    fn unknown_names_are_rejected() {
        for unknown in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"] {
            let rejection = host(&headers(&[("host", unknown)]), &settings()).expect_err("it is not known");
            assert_eq!(rejection, Rejection::UnknownHost(unknown.to_owned()));
        }
        assert_eq!(host(&headers(&[]), &settings()), Err(Rejection::AmbiguousHost));
    }

    #[test]
    fn only_the_console_itself_may_send_changes() {
        let own = Authority::from_static("127.0.0.1:8082");
        let check = |pairs: &[(&str, &str)]| origin(&headers(pairs), &own, &settings()).is_ok();
        assert!(check(&[("origin", "http://127.0.0.1:8082")]));
        assert!(check(&[("origin", "https://console.example.com"), ("sec-fetch-site", "same-origin")]));
        for foreign in ["http://127.0.0.1:9000", "null", "http://evil.example", "http://127.0.0.1"] {
            assert!(!check(&[("origin", foreign)]), "{foreign}");
        }
        assert!(!check(&[]));
        assert!(!check(&[("origin", "http://127.0.0.1:8082"), ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn two_cookies_of_the_console_are_no_session() {
        assert_eq!(cookie(&headers(&[("cookie", "a=b; frontgate-console=S")])).as_deref(), Some("S"));
        assert_eq!(cookie(&headers(&[("cookie", "frontgate-console=S; frontgate-console=T")])), None);
    }
}
