//! Checks the `Host` header against DNS rebinding.
//!
//! Without this check, a web page in an operator's browser could resolve its own host name to this listener's address
//! and read the responses. Its requests still have that name in `Host`.

use frontgate_console_access::request::is_known_host;
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Uri, Version};

/// Reason why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The host is missing, repeated or invalid.
    Ambiguous,
    /// The host name is not listed.
    Unknown,
}

/// Accepts an address, `localhost`, a name below it, or a name in `admin.hosts`. An HTTP/1.0 request may omit the host, because no
/// browser sends such a request.
pub(super) fn check(version: Version, uri: &Uri, headers: &HeaderMap, names: &[String]) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::Ambiguous);
    }
    let host = match host {
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| Refusal::Ambiguous)?),
        None if version == Version::HTTP_10 => None,
        None => return Err(Refusal::Ambiguous),
    };
    let known = |authority: &Authority| is_known_host(authority.host(), names.iter().map(String::as_str));
    match host.as_ref().into_iter().chain(uri.authority()).all(known) {
        true => Ok(()),
        false => Err(Refusal::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(uri: &str, hosts: &[&str]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().expect("a header value"));
        }
        let names = ["gateway.internal".to_owned()];
        check(Version::HTTP_11, &uri.parse().expect("a target"), &headers, &names)
    }

    #[test]
    fn addresses_localhost_and_listed_names_are_known() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8081",
            "10.1.2.3:80",
            "[::1]",
            "[::1]:8081",
            "localhost",
            "LocalHost:8081",
            "localhost.",
            "gateway.internal",
            "GATEWAY.internal.:8081",
        ] {
            assert_eq!(checked("/livez", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_names_are_unknown() {
        for host in
            ["evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example", "internal"]
        {
            assert_eq!(checked("/livez", &[host]), Err(Refusal::Unknown), "{host}");
        }
    }

    #[test]
    fn a_name_in_the_target_is_checked_as_well() {
        assert_eq!(checked("http://evil.example/livez", &["localhost"]), Err(Refusal::Unknown));
    }

    #[test]
    fn missing_several_and_invalid_hosts_are_ambiguous() {
        for hosts in [&[][..], &["localhost", "localhost"], &["a b"], &[""]] {
            assert_eq!(checked("/livez", hosts), Err(Refusal::Ambiguous), "{hosts:?}");
        }
    }

    #[test]
    fn a_request_of_http_1_0_needs_no_host() {
        let uri = "/livez".parse().expect("a target");
        assert_eq!(check(Version::HTTP_10, &uri, &HeaderMap::new(), &[]), Ok(()));
    }
}
