//! Settings and secrets, and the instance that a call runs in.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

type Pairs = BTreeMap<String, String>;

thread_local! {
    static INSTANCE: Cell<u64> = const { Cell::new(0) };
    static SECRETS: RefCell<Pairs> = const { RefCell::new(BTreeMap::new()) };
    static SETTINGS: RefCell<Pairs> = const { RefCell::new(BTreeMap::new()) };
}

/// Replaces all settings. Later calls run in a new instance, as after an operator's change.
pub(crate) fn set(settings: Pairs) {
    SETTINGS.set(settings);
    next_instance();
}

/// Replaces all secrets. Later calls run in a new instance.
pub(crate) fn set_secrets(secrets: Pairs) {
    SECRETS.set(secrets);
    next_instance();
}

pub(crate) fn get(key: &str) -> Option<String> {
    let of = |all: &Pairs| all.get(key).cloned();
    SETTINGS.with_borrow(of).or_else(|| SECRETS.with_borrow(of))
}

pub(crate) fn all() -> Vec<(String, String)> {
    let mut all = SECRETS.with_borrow(Clone::clone);
    all.extend(SETTINGS.with_borrow(Clone::clone));
    all.into_iter().collect()
}

/// The key of a secret whose value is in a text.
pub(super) fn secret_in(text: &str) -> Option<String> {
    SECRETS.with_borrow(|all| {
        let mut secrets = all.iter().filter(|(_, value)| !value.is_empty());
        secrets.find(|(_, value)| text.contains(value.as_str())).map(|(key, _)| key.clone())
    })
}

/// Distinguishes the plugin's instances within this thread.
pub(super) fn instance() -> u64 {
    INSTANCE.get()
}

pub(super) fn next_instance() {
    INSTANCE.set(INSTANCE.get() + 1);
}

pub(super) fn reset() {
    SECRETS.take();
    set(Pairs::new());
}
