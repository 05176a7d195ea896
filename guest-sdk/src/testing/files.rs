//! Files: those of the message that a channel sends, and those of the granted folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use crate::{Error, Result};

thread_local! {
    static FILES: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    static FOLDER: RefCell<Option<BTreeMap<String, String>>> = const { RefCell::new(None) };
}

/// Sets the files of the message that is being sent, by their ids, in place of those before.
///
/// ```
/// use frontgate_sdk::{attachments, testing};
///
/// testing::files([("fil_1", "a small text")]);
/// assert_eq!(attachments::read("fil_1", 1024)?, b"a small text");
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn files<I: Into<String>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (I, B)>) {
    FILES.set(files.into_iter().map(|(id, bytes)| (id.into(), bytes.into())).collect());
}

/// Sets what is in the granted folder, for [`files`](crate::files). Without a word it is the real one, so that a
/// test can write a file and name its whole path.
///
/// ```
/// use frontgate_sdk::{files, testing};
///
/// testing::folder([("words.txt", "one\ntwo")]);
/// assert_eq!(files::read("words.txt")?.lines().count(), 2);
/// assert!(files::read("others.txt").is_err());
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn folder<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) {
    FOLDER.set(Some(files.into_iter().map(|(path, text)| (path.into(), text.into())).collect()));
    super::INSTANCE.set(super::instance() + 1);
}

/// A text of the folder; none where the real one is meant.
pub(crate) fn in_folder(path: &str) -> Option<io::Result<String>> {
    FOLDER.with_borrow(|folder| {
        let found = folder.as_ref()?.get(path).cloned();
        Some(found.ok_or_else(|| io::ErrorKind::NotFound.into()))
    })
}

pub(crate) fn piece(id: &str, offset: u64, most: u32) -> Result<Vec<u8>> {
    let file = file(id).ok_or(Error::NotFound)?;
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
    Ok(file[from..].iter().take(most as usize).copied().collect())
}

pub(super) fn file(id: &str) -> Option<Vec<u8>> {
    FILES.with_borrow(|all| all.get(id).cloned())
}

pub(super) fn reset() {
    FILES.take();
    FOLDER.take();
}
