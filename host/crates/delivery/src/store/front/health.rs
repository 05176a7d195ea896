//! Whether channels work: failing checks, and which status Front has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, StoreError, values};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::channels::Channel;
use crate::store::Store;

/// The channels of each tenant that are to be checked, with a signal.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<HashMap<String, OfTenant>>);

#[derive(Default)]
struct OfTenant {
    channels: HashSet<i64>,
    signal: Arc<Notify>,
}

/// Consecutive checks with refused credentials after which a channel is offline. One alone may be an error of the
/// provider.
const REFUSALS_MAX: i64 = 2;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The provider answers and accepts the credential.
    Works,
    /// The provider refuses the credential, or the plugin fails otherwise, with the reason.
    Fails {
        /// Whether the credential is refused.
        is_refused: bool,
        /// Text for operators.
        reason: String,
    },
}

/// What is known about a channel that has failed. A channel without a row works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelHealth {
    /// Time of the first of the failed checks, in milliseconds since 1970; `None` if the last check succeeded.
    pub failing_since_ms: Option<i64>,
    /// Consecutive checks with refused credentials.
    pub(crate) refusals: i64,
    /// Reason of the last failure.
    pub reason: Option<String>,
    /// Whether Front shows, or is to show, the channel as offline.
    pub is_offline: bool,
    /// Whether Front has accepted that status.
    pub(crate) is_reported: bool,
}

impl ChannelHealth {
    /// Returns what is known after a check.
    pub(crate) fn after(&self, checked: &Checked, now_ms: i64, offline_after_ms: i64) -> Self {
        let (failing_since_ms, refusals, reason) = match checked {
            Checked::Works => (None, 0, None),
            Checked::Fails { is_refused, reason } => {
                let refusals = if *is_refused { self.refusals + 1 } else { 0 };
                (Some(self.failing_since_ms.unwrap_or(now_ms)), refusals, Some(reason.clone()))
            }
        };
        // A channel that is offline stays so until a check succeeds.
        let is_offline = failing_since_ms
            .is_some_and(|since| self.is_offline || refusals >= REFUSALS_MAX || now_ms - since >= offline_after_ms);
        let is_reported = self.is_reported && is_offline == self.is_offline;
        Self { failing_since_ms, refusals, reason, is_offline, is_reported }
    }

    /// Returns whether there is nothing to remember.
    fn is_settled(&self) -> bool {
        self.failing_since_ms.is_none() && !self.is_offline && self.is_reported
    }
}

impl Store {
    /// Has a channel checked soon, because it failed or was connected.
    pub(crate) fn suspect(&self, tenant: &str, channel: i64) {
        let mut all = self.suspects.0.lock();
        let suspects = all.entry(tenant.to_owned()).or_default();
        suspects.channels.insert(channel);
        suspects.signal.notify_waiters();
    }

    /// Returns the signal of a tenant, notified with each channel that is to be checked.
    pub(crate) fn suspect_signal(&self, tenant: &str) -> Arc<Notify> {
        let mut all = self.suspects.0.lock();
        Arc::clone(&all.entry(tenant.to_owned()).or_default().signal)
    }

    /// Returns the channels that are to be checked, once.
    pub(crate) fn take_suspects(&self, tenant: &str) -> HashSet<i64> {
        let mut all = self.suspects.0.lock();
        all.get_mut(tenant).map(|suspects| std::mem::take(&mut suspects.channels)).unwrap_or_default()
    }

    /// Stores the result of a check; returns what was and what is known.
    pub(crate) async fn note_check(
        &self,
        channel: &Channel,
        checked: Checked,
        offline_after_ms: i64,
    ) -> Result<[ChannelHealth; 2], StoreError> {
        let id = channel.id;
        self.database
            .write(Origin::progress(channel.tenant.as_str()), Scope::Channel(id), move |transaction| {
                let before = health(transaction, id)?;
                let after = before.after(&checked, transaction.now_ms(), offline_after_ms);
                if before != after {
                    write(transaction, id, &after)?;
                }
                Ok([before, after])
            })
            .await
    }

    /// Stores that Front has accepted a status.
    pub(crate) async fn note_reported(&self, channel: &Channel, is_offline: bool) -> Result<(), StoreError> {
        let id = channel.id;
        self.database
            .write(Origin::progress(channel.tenant.as_str()), Scope::Channel(id), move |transaction| {
                let known = health(transaction, id)?;
                if known.is_offline == is_offline {
                    write(transaction, id, &ChannelHealth { is_reported: true, ..known })?;
                }
                Ok(())
            })
            .await
    }
}

/// Reads what is known about a channel.
pub(crate) fn health(read: &Transaction<'_>, channel: i64) -> sql::Result<ChannelHealth> {
    let select = "SELECT failing_since_ms, refusals, reason, is_offline, is_reported FROM front_channel_health
                  WHERE channel = ?1";
    let found = read.row(select, values![channel], |row| {
        Ok(ChannelHealth {
            failing_since_ms: row.get(0)?,
            refusals: row.get(1)?,
            reason: row.get(2)?,
            is_offline: row.get(3)?,
            is_reported: row.get(4)?,
        })
    })?;
    Ok(found.unwrap_or(ChannelHealth { is_reported: true, ..ChannelHealth::default() }))
}

/// Forgets failures of a channel that is connected again. What Front shows stays known.
pub(crate) fn begin_again(transaction: &Transaction<'_>, channel: i64) -> sql::Result<()> {
    let update = "UPDATE front_channel_health SET failing_since_ms = NULL, refusals = 0, reason = NULL
                  WHERE channel = ?1";
    transaction.execute(update, values![channel]).map(drop)
}

/// Forgets a channel that is removed.
pub(crate) fn forget(transaction: &Transaction<'_>, channel: i64) -> sql::Result<()> {
    transaction.execute("DELETE FROM front_channel_health WHERE channel = ?1", values![channel]).map(drop)
}

fn write(transaction: &Transaction<'_>, channel: i64, health: &ChannelHealth) -> sql::Result<()> {
    if health.is_settled() {
        return forget(transaction, channel);
    }
    let upsert = "INSERT INTO front_channel_health
                    (channel, failing_since_ms, refusals, reason, is_offline, is_reported)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                  ON CONFLICT (channel) DO UPDATE SET failing_since_ms = excluded.failing_since_ms,
                    refusals = excluded.refusals, reason = excluded.reason, is_offline = excluded.is_offline,
                    is_reported = excluded.is_reported";
    let ChannelHealth { failing_since_ms, refusals, reason, is_offline, is_reported } = health;
    transaction.execute(upsert, values![channel, failing_since_ms, refusals, reason, is_offline, is_reported]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn fails(is_refused: bool) -> Checked {
        Checked::Fails { is_refused, reason: "no".to_owned() }
    }

    /// Returns whether a channel is offline after each of these checks, one a minute.
    fn offline(checks: &[Checked]) -> Vec<bool> {
        let mut health = ChannelHealth { is_reported: true, ..ChannelHealth::default() };
        let step = |(minute, checked): (i64, &Checked)| {
            let next = health.after(checked, minute * MINUTE, 3 * MINUTE);
            assert_eq!(next.is_reported, next.is_offline == health.is_offline, "changes are reported");
            health = ChannelHealth { is_reported: true, ..next };
            health.is_offline
        };
        (0..).zip(checks).map(step).collect()
    }

    #[test]
    fn a_channel_is_offline_after_failing_for_some_time() {
        let down = fails(false);
        let checks = [down.clone(), down.clone(), down.clone(), down.clone(), down.clone(), Checked::Works];
        assert_eq!(offline(&checks), [false, false, false, true, true, false]);
    }

    #[test]
    fn a_success_in_between_starts_the_time_again() {
        let down = fails(false);
        let checks = [down.clone(), down.clone(), Checked::Works, down.clone(), down.clone(), down];
        assert_eq!(offline(&checks), [false; 6]);
    }

    #[test]
    fn credentials_are_refused_twice_before_a_channel_is_offline() {
        assert_eq!(offline(&[fails(true), fails(true), fails(false), Checked::Works]), [false, true, true, false]);
        assert_eq!(offline(&[fails(true), fails(false), fails(true)]), [false; 3]);
    }
}
