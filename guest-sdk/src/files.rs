//! The folder that the operator granted: `files` of `[plugins.named.NAME]`.

use std::fs;
use std::io::ErrorKind;

use crate::{Error, Result};

/// A text in the granted folder, without the byte order mark that some programs put before it. The
/// error says what an operator can do.
///
/// ```
/// use frontgate_sdk::{Error, files};
///
/// assert!(matches!(files::read("no/such/file"), Err(Error::Unavailable(_))));
/// ```
pub fn read(path: &str) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::InvalidData => " (save it as UTF-8)",
            _ => " (`files` of this plugin must name the folder that holds it)",
        };
        Error::unavailable(format!("`{path}` cannot be read: {error}{hint}"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
