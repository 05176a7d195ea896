//! What makes a request the same when somebody sends it again inside the window.

use super::digest;

/// The key under which the answer to a request is kept. It can be forgotten at
/// [`super::signature::Verified::until_ms`]: from then on the window refuses the request.
///
/// `place` is whose request it is, such as the app: Front does not sign the URL, so that the same bytes are the
/// same request wherever they are sent. A DELETE without a body is signed by its time alone, and needs the
/// channel's address as its place: two channels that are removed within the same millisecond have one signature.
pub fn key(place: &str, timestamp: &str, signature: &str) -> String {
    digest::of([place.as_bytes(), timestamp.as_bytes(), signature.as_bytes()])
}

/// What a request shows and Front does not sign: the channel's credential. A request that is sent again has to show the
/// same one.
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
    fn the_same_request_has_the_same_key_and_no_other_has_it() {
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
