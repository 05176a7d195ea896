//! Entry points of the fuzz targets in `fuzz/` into what this room keeps to itself. Not part of the library's
//! interface; nothing in the gateway calls it.

use url::Url;

use super::outbound::Destination;

/// The destination of a request to a URL.
pub fn destination_of(url: &str) -> Option<String> {
    Url::parse(url).ok().and_then(|url| Destination::of(&url).ok()).map(|destination| format!("{destination:?}"))
}

/// The destination of a request whose scheme and authority come apart from its path.
pub fn destination_of_authority(scheme: &str, authority: &str) -> Option<String> {
    Destination::of_authority(scheme, authority).ok().map(|destination| format!("{destination:?}"))
}
