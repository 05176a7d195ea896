//! The identity of a request, for recognising replays within the window.

use super::digest;

/// Returns the key under which the response to a request is stored, until
/// [`until_ms`](super::signature::Verified::until_ms). After that time the window rejects the request.
///
/// `scope` is the app: Front does not sign the URL, so the same bytes are the same request at each address of the app.
/// A DELETE without a body is signed by its time alone and needs the channel's address as its scope: two channels that
/// are removed within one millisecond have the same signature.
pub fn key(scope: &str, timestamp: &str, signature: &str) -> String {
    digest::of([scope.as_bytes(), timestamp.as_bytes(), signature.as_bytes()])
}

/// Returns the digest of the unsigned part, the channel's credential. A repeated request must have the same digest.
pub fn unsigned(credential: Option<&str>) -> String {
    match credential {
        Some(credential) => digest::of([credential.as_bytes()]),
        None => digest::of([]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_one_key_and_others_have_another() {
        let once = key("/front/3f9c", "1700000000123", "RaPEaR5k=");
        assert_eq!(once, key("/front/3f9c", "1700000000123", "RaPEaR5k="));
        for other in [
            key("/front/3f9d", "1700000000123", "RaPEaR5k="),
            key("/front/3f9c", "1700000000124", "RaPEaR5k="),
            key("/front/3f9c", "1700000000123", "RaPEaR5l="),
            key("/front/3f9c1", "700000000123", "RaPEaR5k="),
        ] {
            assert_ne!(once, other);
        }
    }
}
