//! Reads the folder that the operator granted: `files` of `[plugins.named.NAME]`.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;

use crate::host::{self, FileVersion};
use crate::{Error, Result};

/// Reads a text file, without a leading byte order mark. The error tells the operator what to do.
///
/// ```
/// use frontgate_sdk::{Error, files, testing};
///
/// assert!(matches!(files::read("no/such/file"), Err(Error::Unavailable(_))));
///
/// testing::folder([("words.txt", "one\ntwo")]);
/// assert_eq!(files::read("words.txt")?, "one\ntwo");
/// # Ok::<(), Error>(())
/// ```
pub fn read(path: &str) -> Result<String> {
    let text = host::files::read(path).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::InvalidData => " (save it as UTF-8)",
            _ => " (set `files` of this plugin to the folder that contains it)",
        };
        Error::unavailable(format!("failed to read `{path}`: {error}{hint}"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Caches a value made from a file, until the file changes. Useful if instances are reused: see `reusable` in
/// `plugin.toml`.
///
/// ```
/// use frontgate_sdk::{Result, files};
///
/// thread_local! {
///     static WORDS: files::Cached<Vec<String>> = const { files::Cached::new() };
/// }
///
/// fn is_known(word: &str) -> Result<bool> {
///     let words = WORDS.with(|words| {
///         words.get("words.txt", |text| Ok(text.lines().map(str::to_owned).collect()))
///     })?;
///     Ok(words.iter().any(|known| known == word))
/// }
/// ```
pub struct Cached<T>(RefCell<Option<(Identity, Rc<T>)>>);

/// Path and version of the file that a value was made from.
type Identity = (String, FileVersion);

impl<T> Cached<T> {
    /// Creates an empty cache.
    ///
    /// ```
    /// thread_local! {
    ///     static WORDS: frontgate_sdk::files::Cached<Vec<String>> = const { frontgate_sdk::files::Cached::new() };
    /// }
    /// ```
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// Returns the cached value. The first call, and each call after a change of the file, runs `make`.
    ///
    /// ```
    /// use frontgate_sdk::{files::Cached, testing};
    ///
    /// let length = Cached::new();
    /// testing::folder([("words.txt", "one two")]);
    /// assert_eq!(*length.get("words.txt", |text| Ok(text.len()))?, 7);
    /// assert_eq!(*length.get("words.txt", |_| panic!("the file has not changed"))?, 7);
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn get(&self, path: &str, make: impl FnOnce(String) -> Result<T>) -> Result<Rc<T>> {
        // Read the version before the file, so that the next call detects a change in between.
        let identity = host::files::version(path).map(|version| (path.to_owned(), version));
        if let Some((cached, made)) = &*self.0.borrow()
            && identity.as_ref() == Some(cached)
        {
            return Ok(Rc::clone(made));
        }
        let made = Rc::new(make(read(path)?)?);
        self.0.replace(identity.map(|identity| (identity, Rc::clone(&made))));
        Ok(made)
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self::new()
    }
}
