//! The address of the caller behind trusted proxies, from the header in which they list it.
//!
//! Each proxy appends the address that it saw. The list is read from its end, and the first address that is no trusted
//! proxy is the caller's: everything before it was written by the caller.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{FORWARDED, HeaderName};

use crate::settings::{ForwardedHeader, TrustedProxy, is_trusted};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns the address of the caller; `None` if the proxies name none.
pub(super) fn client(header: ForwardedHeader, proxies: &[TrustedProxy], headers: &HeaderMap) -> Option<IpAddr> {
    let name = match header {
        ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
        ForwardedHeader::Forwarded => FORWARDED,
    };
    let mut nearest = None;
    for line in headers.get_all(name).iter().rev() {
        // A line that is no text ends the part that can be believed, as an element that is no address does.
        let Ok(line) = line.to_str() else { return nearest };
        for element in elements(line).into_iter().rev() {
            let address = match header {
                ForwardedHeader::XForwardedFor => address(element),
                ForwardedHeader::Forwarded => parameter(element).and_then(address),
            };
            let Some(address) = address else { return nearest };
            if !is_trusted(proxies, Some(address)) {
                return Some(address);
            }
            nearest = Some(address);
        }
    }
    nearest
}

/// Splits a list at its commas, except those in quotes.
fn elements(line: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let split = line.split(move |character| {
        let is_comma = character == ',' && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        is_comma
    });
    split.map(str::trim).filter(|element| !element.is_empty()).collect()
}

/// Returns the value of the parameter `for` of an element of `Forwarded`.
fn parameter(element: &str) -> Option<&str> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Reads an address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn proxies() -> Vec<TrustedProxy> {
        ["10.0.0.0/8", "2001:db8:f::/48"]
            .map(|network| TrustedProxy::Network(network.parse().expect("a network")))
            .into()
    }

    fn found(header: ForwardedHeader, name: HeaderName, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
        }
        client(header, &proxies(), &headers).map_or_else(|| "-".to_owned(), |address| address.to_string())
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_callers() {
        let table: [(&[&str], &str); 9] = [
            (&["192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.9, 192.0.2.1, 10.0.0.3"], "192.0.2.1"),
            (&["198.51.100.9", "192.0.2.1,10.0.0.3"], "192.0.2.1"),
            (&["192.0.2.1:4711, [2001:db8:f::1]:80"], "192.0.2.1"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
            (&[], "-"),
        ];
        for (lines, expected) in table {
            assert_eq!(found(ForwardedHeader::XForwardedFor, X_FORWARDED_FOR, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn nothing_before_an_element_that_is_no_address_is_believed() {
        let table: [(&[&str], &str); 4] = [
            (&["192.0.2.1, unknown, 10.0.0.3"], "10.0.0.3"),
            (&["192.0.2.1, \u{e9}"], "-"),
            (&["192.0.2.1, _hidden"], "-"),
            (&["192.0.2.1\" , 10.0.0.3"], "-"),
        ];
        for (lines, expected) in table {
            assert_eq!(found(ForwardedHeader::XForwardedFor, X_FORWARDED_FOR, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_with_its_parameters_and_quotes() {
        let table: [(&[&str], &str); 4] = [
            (&["for=192.0.2.1;proto=https;by=203.0.113.43"], "192.0.2.1"),
            (&["for=198.51.100.9, For=\"[2001:db8::17]:4711\""], "2001:db8::17"),
            (&["for=192.0.2.1, for=10.0.0.3;host=\"a,for=198.51.100.9\""], "192.0.2.1"),
            (&["for=_secret"], "-"),
        ];
        for (lines, expected) in table {
            assert_eq!(found(ForwardedHeader::Forwarded, FORWARDED, lines), expected, "{lines:?}");
        }
    }
}
