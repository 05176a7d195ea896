//! Settings of a pool: its own ones, and the general ones for all that it does not set.

use frontgate_sdk::Error;

/// A view of the settings for one pool, or the general settings.
pub(crate) struct Table<'s> {
    all: &'s [(String, String)],
    pool: Option<&'s str>,
}

/// A setting, with its full key for errors.
pub(crate) struct Setting<'s> {
    key: String,
    pub(crate) value: &'s str,
}

impl<'s> Table<'s> {
    pub(crate) fn general(all: &'s [(String, String)]) -> Self {
        Self { all, pool: None }
    }

    pub(crate) fn of_pool(all: &'s [(String, String)], pool: &'s str) -> Self {
        Self { all, pool: Some(pool) }
    }

    /// Returns the pool's own setting, else the general one.
    pub(crate) fn get(&self, key: &str) -> Option<Setting<'s>> {
        let own = self.pool.and_then(|pool| self.find(format!("pools.{pool}.{key}")));
        own.or_else(|| self.find(key.to_owned()))
    }

    fn find(&self, key: String) -> Option<Setting<'s>> {
        let (_, value) = self.all.iter().find(|(known, _)| *known == key)?;
        Some(Setting { key, value })
    }
}

impl Setting<'_> {
    /// Returns an error about the value, with advice.
    pub(crate) fn error(&self, advice: &str) -> Error {
        Error::failed(format!("the setting `{}` is `{}`; {advice}", self.key, self.value))
    }

    /// Returns an error that does not repeat the value, which may be long.
    pub(crate) fn problem(&self, problem: &str) -> Error {
        Error::failed(format!("the setting `{}` {problem}", self.key))
    }
}
