//! Attachments of the message that is being sent.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::bindings::plugin_types::Error;

thread_local! {
    static FILES: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Replaces all attachments; keys are their ids.
pub(crate) fn set(files: BTreeMap<String, Vec<u8>>) {
    FILES.set(files);
}

pub(crate) fn read(id: &str, offset: u64, bytes_max: u32) -> Result<Vec<u8>, Error> {
    let file = whole(id).ok_or(Error::NotFound)?;
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
    Ok(file[from..].iter().take(bytes_max as usize).copied().collect())
}

pub(super) fn whole(id: &str) -> Option<Vec<u8>> {
    FILES.with_borrow(|all| all.get(id).cloned())
}
