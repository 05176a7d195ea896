//! Request headers that may appear only once, because servers could interpret a repeated header differently.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// Error: the header appears more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated;

/// Returns the only value of a header, or `None` if the header is absent.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Repeated> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_some() {
        return Err(Repeated);
    }
    Ok(first)
}

/// Returns the text of the only value of a header, or `None` if the header is absent or not text.
pub(crate) fn single_text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Repeated> {
    Ok(single(headers, name)?.and_then(|value| value.to_str().ok()))
}
