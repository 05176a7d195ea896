//! Entry points of the fuzz targets in `fuzz/` to private code. Not part of the public API.

use url::Url;

use crate::outbound::destination::Destination;

/// Parses the destination of a URL.
pub fn destination_of(url: &str) -> Option<String> {
    Url::parse(url).ok().and_then(|url| Destination::of(&url).ok()).map(|destination| format!("{destination:?}"))
}

/// Parses the destination of a request whose scheme and authority are separate from its path.
pub fn destination_of_authority(scheme: &str, authority: &str) -> Option<String> {
    Destination::of_authority(scheme, authority).ok().map(|destination| format!("{destination:?}"))
}
