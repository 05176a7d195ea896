//! Headers of outgoing requests: secret values, and names that are reserved for framing.

use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Creates a header value from a secret. The value is never printed, and its memory is erased when the last request
/// with it is dropped. Returns `None` if the secret is not a valid header value.
pub fn confidential(mut value: Zeroizing<String>) -> Option<HeaderValue> {
    let bytes = Bytes::from_owner(Zeroizing::new(std::mem::take(&mut *value).into_bytes()));
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns whether only the HTTP client or server may set a header, because it describes the connection or the framing.
pub fn is_reserved_header(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 9] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    let name = name.as_str();
    RESERVED.iter().any(|reserved| reserved == name) || name.starts_with("proxy-") || name == "http2-settings"
}
