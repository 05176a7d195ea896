//! The workers of the gateway, and who they are in a CRM.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Identities of workers at the platform, with their identities in the CRM where the two differ. Case is ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Workers(BTreeMap<String, String>);

impl Workers {
    /// Returns a worker's identity in the CRM.
    pub fn user_of<'s>(&'s self, worker: &'s str) -> &'s str {
        let found = self.0.iter().find(|(identity, _)| is_same(identity, worker));
        found.map_or(worker, |(_, user)| user)
    }

    /// Returns the workers with this identity in the CRM.
    pub fn workers_with<'s>(&'s self, user: &'s str) -> impl Iterator<Item = &'s str> {
        let identities = self.0.keys().map(String::as_str).filter(move |identity| *identity != user);
        identities.chain([user]).filter(move |worker| is_same(self.user_of(worker), user))
    }

    /// Returns the worker with this identity in the CRM.
    pub fn worker_with<'s>(&'s self, user: &'s str) -> &'s str {
        let found = self.0.iter().find(|(_, known)| is_same(known, user));
        found.map_or(user, |(identity, _)| identity)
    }
}

/// Compares identities, ignoring case.
pub fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
