//! Hosts from which files may be downloaded. The token is sent to Front only.
//!
//! A link in a signed request can come from teammates or other apps, so the link's host is checked. Front may redirect
//! to storage, which rejects requests with a foreign token.

use url::{Origin, Url};

/// Maximum number of redirects for one file; Front uses one redirect.
pub const REDIRECTS_MAX: usize = 3;

/// The hosts that files may be downloaded from.
#[derive(Debug, Clone)]
pub struct Hosts {
    front: Vec<Pattern>,
    storage: Vec<Pattern>,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// One scheme, host and port.
    Exactly(Origin),
    /// Every host with this suffix, which starts with a dot, over TLS on the standard port.
    Below(String),
}

/// One request of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The URL.
    pub url: Url,
    /// Whether to send a token.
    pub with_token: bool,
    /// Whether the operator configured the host by name, not by a pattern: its IP addresses are then not checked.
    pub is_named: bool,
    redirects: usize,
}

/// The reason why a file is not downloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileRefusal {
    /// The address is not a URL.
    #[error("the file's address is not a URL")]
    NotUrl,
    /// The host is not configured.
    #[error("file host {0} is not a configured host of Front")]
    Host(String),
    /// Too many redirects, perhaps a loop.
    #[error("more than {REDIRECTS_MAX} redirects")]
    TooManyRedirects,
}

impl Hosts {
    /// Creates the hosts from origins, such as `https://api2.frontapp.com`, or patterns, such as
    /// `https://*.frontapp.com`. Returns `None` if a text is neither an origin nor a pattern.
    pub fn new(front: &[&str], storage: &[&str]) -> Option<Self> {
        let patterns = |all: &[&str]| all.iter().map(|text| Pattern::new(text)).collect::<Option<_>>();
        Some(Self { front: patterns(front)?, storage: patterns(storage)? })
    }

    /// Returns the first request for a file: to Front itself, with a token.
    pub fn first(&self, link: &str) -> Result<Hop, FileRefusal> {
        let url = Url::parse(link).map_err(|_| FileRefusal::NotUrl)?;
        match found(&self.front, &url) {
            Some(pattern) => Ok(Hop { is_named: pattern.is_named(), url, with_token: true, redirects: 0 }),
            None => Err(foreign(&url)),
        }
    }

    /// Returns the request that follows a redirect to `location`: to Front or its storage, without a token.
    pub fn next(&self, hop: &Hop, location: &str) -> Result<Hop, FileRefusal> {
        let url = hop.url.join(location).map_err(|_| FileRefusal::NotUrl)?;
        let redirects = hop.redirects + 1;
        if redirects > REDIRECTS_MAX {
            return Err(FileRefusal::TooManyRedirects);
        }
        match found(&self.front, &url).or_else(|| found(&self.storage, &url)) {
            Some(pattern) => Ok(Hop { is_named: pattern.is_named(), url, with_token: false, redirects }),
            None => Err(foreign(&url)),
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        if let Some(host) = text.strip_prefix("https://*.") {
            let is_host =
                !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
            return is_host.then(|| Self::Below(format!(".{}", host.to_ascii_lowercase())));
        }
        let origin = Url::parse(text).ok()?.origin();
        origin.is_tuple().then_some(Self::Exactly(origin))
    }

    fn is_named(&self) -> bool {
        matches!(self, Self::Exactly(_))
    }

    fn is_of(&self, url: &Url) -> bool {
        match self {
            Self::Exactly(origin) => url.origin() == *origin,
            Self::Below(end) => {
                let host = url.domain().is_some_and(|host| host.len() > end.len() && host.ends_with(end));
                host && url.scheme() == "https" && url.port().is_none()
            }
        }
    }
}

/// Returns the pattern that matches a URL; an exact pattern takes precedence.
fn found<'p>(patterns: &'p [Pattern], url: &Url) -> Option<&'p Pattern> {
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let of = patterns.iter().filter(|pattern| is_anonymous && pattern.is_of(url));
    of.max_by_key(|pattern| pattern.is_named())
}

/// Returns the refusal of a host, without path and query, which may contain a key.
fn foreign(url: &Url) -> FileRefusal {
    FileRefusal::Host(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRONT: [&str; 2] = ["https://api2.frontapp.com", "https://*.api.frontapp.com"];
    const STORAGE: [&str; 1] = ["https://*.amazonaws.com"];

    fn hosts() -> Hosts {
        Hosts::new(&FRONT, &STORAGE).expect("patterns")
    }

    #[test]
    fn the_token_is_sent_to_front_only() {
        for link in [
            "https://acme.api.frontapp.com/messages/msg_1/download/fil_1",
            "https://api2.frontapp.com/download/fil_1",
            "HTTPS://ACME.API.FRONTAPP.COM:443/x",
        ] {
            assert!(hosts().first(link).is_ok_and(|hop| hop.with_token), "{link}");
        }
        for link in [
            "http://acme.api.frontapp.com/x",
            "https://acme.api.frontapp.com:8443/x",
            "https://api.frontapp.com/x",
            "https://acme.api.frontapp.com.evil.example/x",
            "https://evilapi.frontapp.com/x",
            "https://evil.example/acme.api.frontapp.com",
            "https://evil.example\\@acme.api.frontapp.com/",
            "https://acme.api.frontapp.com@evil.example/",
            "https://user@acme.api.frontapp.com/",
            "https://files.s3.amazonaws.com/x",
            "https://127.0.0.1/x",
            "file:///etc/passwd",
            "data:text/plain,a",
        ] {
            assert!(matches!(hosts().first(link), Err(FileRefusal::Host(_))), "{link}");
        }
        for link in ["", "download/fil_1", "https://"] {
            assert_eq!(hosts().first(link), Err(FileRefusal::NotUrl), "{link}");
        }
    }

    #[test]
    fn a_redirect_leads_to_storage_without_the_token() {
        let first = hosts().first("https://acme.api.frontapp.com/messages/msg_1/download/fil_1").expect("Front's");
        let hop =
            hosts().next(&first, "https://files.s3.eu-west-1.amazonaws.com/a?X-Amz-Signature=s").expect("storage");
        assert!(!hop.with_token && hop.url.query().is_some());
        let hop = hosts().next(&first, "/elsewhere").expect("Front's");
        assert_eq!((hop.url.as_str(), hop.with_token), ("https://acme.api.frontapp.com/elsewhere", false));
        for location in [
            "http://files.s3.amazonaws.com/a",
            "https://amazonaws.com.evil.example/a",
            "//evil.example/?key=k",
            "http://169.254.169.254/latest/meta-data",
        ] {
            let refusal = hosts().next(&first, location).expect_err(location).to_string();
            assert!(!refusal.contains("key") && !refusal.contains("meta-data"), "{refusal}");
        }
    }

    #[test]
    fn a_redirect_loop_ends() {
        let mut hop = hosts().first("https://api2.frontapp.com/a").expect("Front's");
        for _ in 0..REDIRECTS_MAX {
            hop = hosts().next(&hop, "/a").expect("Front's");
        }
        assert_eq!(hosts().next(&hop, "/a"), Err(FileRefusal::TooManyRedirects));
    }

    #[test]
    fn another_front_can_be_configured() {
        let own = Hosts::new(&["http://127.0.0.1:4000"], &[]).expect("an origin");
        assert!(own.first("http://127.0.0.1:4000/a").is_ok());
        for link in ["http://127.0.0.1:4001/a", "https://127.0.0.1:4000/a", "https://api2.frontapp.com/a"] {
            assert!(own.first(link).is_err(), "{link}");
        }
        for pattern in ["", "*.frontapp.com", "https://*.", "https://*.a/b", "api2.frontapp.com", "data:a"] {
            assert!(Hosts::new(&[pattern], &[]).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_link_gets_a_token_to_another_host(
            link in "(https?:)?[/\\\\]{0,3}(acme\\.|\\PC{0,6})(api\\.frontapp\\.com)?[@:/?#.\\\\]?\\PC{0,10}",
        ) {
            if let Ok(hop) = hosts().first(&link) {
                prop_assert!(hop.url.host_str().is_some_and(|host| host.ends_with(".api.frontapp.com")), "{}", link);
                prop_assert_eq!(hop.url.scheme(), "https");
            }
        }
    }
}
