//! Headers of outgoing requests: secrets, and names that belong to the framing.

use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Makes a header value of a secret. The value is never printed; its memory is erased when the last request with it is
/// dropped.
pub fn confidential(mut value: Zeroizing<String>) -> Option<HeaderValue> {
    let bytes = Bytes::from_owner(Zeroizing::new(std::mem::take(&mut *value).into_bytes()));
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a header describes the connection or the framing of a message, and so is set by the HTTP client or server.
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
