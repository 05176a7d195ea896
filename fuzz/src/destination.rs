//! The destination of a plugin's request: checks `Destination::of` and `Destination::of_authority`.

use frontgate_runtime::fuzzing;
use url::Url;

/// Asserts that a destination does not depend on the spelling, on the path or on the API that names it.
pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Some((scheme, authority)) = text.split_once("://")
        && let Some(by_authority) = fuzzing::destination_of_authority(scheme, authority)
    {
        assert!(!authority.contains('@'), "{authority}");
        assert_eq!(Some(by_authority), fuzzing::destination_of(text));
    }
    let Some(destination) = fuzzing::destination_of(text) else { return };
    let mut url = Url::parse(text).expect("it was parsed before");
    assert!(matches!(url.scheme(), "http" | "https"));
    assert!(url.username().is_empty() && url.password().is_none());
    assert_eq!(fuzzing::destination_of(url.as_str()).as_ref(), Some(&destination), "parsed twice");
    url.set_path("/another/path");
    url.set_query(None);
    url.set_fragment(None);
    assert_eq!(fuzzing::destination_of(url.as_str()).as_ref(), Some(&destination), "with another path");
    let authority = url.authority().to_owned();
    assert_eq!(fuzzing::destination_of_authority(url.scheme(), &authority).as_ref(), Some(&destination));
}
