//! The folder that the operator granted: `files` of `[plugins.named.NAME]`.

use std::cell::RefCell;
use std::fs;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::SystemTime;

use crate::{Error, Result};

/// A text in the granted folder, without the byte order mark that some programs put before it. The
/// error says what an operator can do.
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
    let text = content(path).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::InvalidData => " (save it as UTF-8)",
            _ => " (`files` of this plugin must name the folder that holds it)",
        };
        Error::unavailable(format!("`{path}` cannot be read: {error}{hint}"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn content(path: &str) -> io::Result<String> {
    #[cfg(not(target_family = "wasm"))]
    if let Some(text) = crate::testing::in_folder(path) {
        return text;
    }
    fs::read_to_string(path)
}

/// What was made of a file, kept for the next call in the same instance, which only looks whether the
/// file is still the same. It pays where the operator lets instances live: `instances = "warm"`.
///
/// ```
/// use frontgate_sdk::{Result, files};
///
/// thread_local! {
///     static WORDS: files::Kept<Vec<String>> = const { files::Kept::new() };
/// }
///
/// fn is_known(word: &str) -> Result<bool> {
///     let words = WORDS.with(|words| {
///         words.get("words.txt", |text| Ok(text.lines().map(str::to_owned).collect()))
///     })?;
///     Ok(words.iter().any(|known| known == word))
/// }
/// ```
pub struct Kept<T>(RefCell<Option<(Version, Rc<T>)>>);

/// What a file is known by.
#[derive(PartialEq)]
struct Version {
    path: String,
    modified: SystemTime,
    bytes: u64,
    /// Natively, another test is another instance.
    #[cfg(not(target_family = "wasm"))]
    instance: u64,
}

impl Version {
    fn of(path: &str) -> Option<Self> {
        #[cfg(not(target_family = "wasm"))]
        if let Some(text) = crate::testing::in_folder(path) {
            let (path, bytes) = (path.to_owned(), u64::try_from(text.ok()?.len()).ok()?);
            return Some(Self { path, modified: SystemTime::UNIX_EPOCH, bytes, instance: crate::testing::instance() });
        }
        let found = fs::metadata(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            modified: found.modified().ok()?,
            bytes: found.len(),
            #[cfg(not(target_family = "wasm"))]
            instance: crate::testing::instance(),
        })
    }
}

impl<T> Kept<T> {
    /// Nothing yet.
    ///
    /// ```
    /// thread_local! {
    ///     static WORDS: frontgate_sdk::files::Kept<Vec<String>> = const { frontgate_sdk::files::Kept::new() };
    /// }
    /// ```
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// What was made of the file, or is made of it now: the first time, and after each change.
    ///
    /// ```
    /// use frontgate_sdk::{files::Kept, testing};
    ///
    /// let length = Kept::new();
    /// testing::folder([("words.txt", "one two")]);
    /// assert_eq!(*length.get("words.txt", |text| Ok(text.len()))?, 7);
    /// assert_eq!(*length.get("words.txt", |_| panic!("it has not changed"))?, 7);
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn get(&self, path: &str, make: impl FnOnce(String) -> Result<T>) -> Result<Rc<T>> {
        // Looked at before it is read: a change in between shows at the next call.
        let version = Version::of(path);
        if let Some((kept, made)) = &*self.0.borrow()
            && version.as_ref() == Some(kept)
        {
            return Ok(Rc::clone(made));
        }
        let made = Rc::new(make(read(path)?)?);
        self.0.replace(version.map(|version| (version, Rc::clone(&made))));
        Ok(made)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self::new()
    }
}
