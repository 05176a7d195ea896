//! The tables `plugin_rollouts`, `plugin_versions`, `plugin_decisions`, `plugin_bytes` and `plugin_receipts`, which exist
//! only on Postgres.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_contract::digest::Digest;
use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;

use super::{Limits, NO_REPLICA, Offered, Rollout, Trial, Version};

/// Time for which bytes without an offer are kept: an upload in progress is much faster.
const UPLOAD_MAX: Duration = Duration::from_secs(3_600);

/// Number of versions of one name that are known, with or without their bytes; the oldest are deleted.
const KNOWN_MAX: i64 = 256;

/// Number of decisions about one name; the oldest are deleted.
const DECISIONS_MAX: i64 = 128;

/// A version to offer.
pub(super) struct NewVersion<'v> {
    pub(super) digest: Digest,
    pub(super) manifest: &'v str,
    pub(super) size: u64,
}

/// Returns the rollouts whose serial is not the known one.
pub(super) fn changed(read: &Transaction<'_>, known: &BTreeMap<String, i64>) -> sql::Result<Vec<(String, Rollout)>> {
    let all = read.rows("SELECT name, serial FROM plugin_rollouts", values![], |row| {
        Ok((row.get::<String>(0)?, row.get::<i64>(1)?))
    })?;
    let mut changed = Vec::new();
    for (name, serial) in all.into_iter().filter(|(name, serial)| known.get(name) != Some(serial)) {
        // Rows that are newer than the serial are read again at the next poll.
        let rollout = Rollout { serial, ..one(read, &name)? };
        changed.push((name, rollout));
    }
    Ok(changed)
}

fn one(read: &Transaction<'_>, name: &str) -> sql::Result<Rollout> {
    let mut rollout = row(read, name)?.unwrap_or_default();
    let versions = "SELECT digest, manifest, live_ms, is_stored FROM plugin_versions WHERE name = ?1
                    ORDER BY live_ms NULLS FIRST, offered_ms";
    let versions = read.rows(versions, values![name], |row| {
        Ok(digest(row, 0)?.map(|digest| {
            Ok::<_, sql::Error>(Version {
                digest,
                manifest: serde_json::from_str(&row.get::<String>(1)?).unwrap_or_default(),
                live_ms: row.get(2)?,
                is_stored: row.get(3)?,
            })
        }))
    })?;
    rollout.versions = versions.into_iter().flatten().collect::<sql::Result<_>>()?;
    let decisions = "SELECT digest, excluded FROM plugin_decisions WHERE name = ?1 ORDER BY time_ms";
    for (decided, excluded) in
        read.rows(decisions, values![name], |row| Ok((digest(row, 0)?, row.get::<Option<String>>(1)?)))?
    {
        match (decided, excluded) {
            (Some(digest), Some(reason)) => rollout.excluded.push((digest, reason)),
            (Some(digest), None) => rollout.allowed.push(digest),
            (None, _) => {}
        }
    }
    Ok(rollout)
}

/// Reads a name without its versions and decisions.
fn row(read: &Transaction<'_>, name: &str) -> sql::Result<Option<Rollout>> {
    let select =
        "SELECT live, trial, trial_replica, waiting, waiting_reason, serial FROM plugin_rollouts WHERE name = ?1";
    read.row(select, values![name], |row| {
        let replica = row.get::<Option<i64>>(2)?.unwrap_or(NO_REPLICA);
        Ok(Rollout {
            serial: row.get(5)?,
            live: digest(row, 0)?,
            trial: digest(row, 1)?.map(|digest| Trial { digest, replica }),
            waiting: digest(row, 3)?.zip(row.get(4)?),
            ..Rollout::default()
        })
    })
}

fn digest(row: &Row<'_>, index: usize) -> sql::Result<Option<Digest>> {
    Ok(row.get::<Option<String>>(index)?.and_then(|text| text.parse().ok()))
}

/// Creates the row of a name, if necessary, and returns it.
fn open(transaction: &Transaction<'_>, name: &str) -> sql::Result<Rollout> {
    let insert = "INSERT INTO plugin_rollouts (name) VALUES (?1) ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![name])?;
    Ok(row(transaction, name)?.unwrap_or_default())
}

/// Makes other replicas read the name again.
fn touch(transaction: &Transaction<'_>, name: &str) -> sql::Result<()> {
    transaction.execute("UPDATE plugin_rollouts SET serial = serial + 1 WHERE name = ?1", values![name]).map(drop)
}

pub(super) fn offer(
    transaction: &Transaction<'_>,
    name: &str,
    version: &NewVersion<'_>,
    me: i64,
) -> sql::Result<Offered> {
    let rollout = open(transaction, name)?;
    let NewVersion { digest, manifest, size } = *version;
    let text = digest.to_string();
    let excluded = "SELECT excluded FROM plugin_decisions WHERE name = ?1 AND digest = ?2 AND excluded IS NOT NULL";
    if let Some(reason) = transaction.row(excluded, values![name, text], |row| row.get(0))? {
        return Ok(Offered::Excluded(reason));
    }
    // A newer file at the same replica takes the place of its trial.
    if let Some(trial) = rollout.trial.filter(|trial| trial.replica != me) {
        return Ok(Offered::Busy(trial));
    }
    let insert = "INSERT INTO plugin_versions (name, digest, manifest, size, is_stored, offered_ms)
                  VALUES (?1, ?2, ?3, ?4, TRUE, ?5)
                  ON CONFLICT (name, digest) DO UPDATE SET is_stored = TRUE";
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    transaction.execute(insert, values![name, text, manifest, size, transaction.now_ms()])?;
    if rollout.live.is_none() || rollout.live == Some(digest) {
        if rollout.live.is_none() {
            set_live(transaction, name, Some(digest))?;
        }
        return Ok(Offered::Live);
    }
    if !rollout.is_on_trial(digest) {
        begin_trial(transaction, name, Trial { digest, replica: me })?;
    }
    Ok(Offered::Trial)
}

fn begin_trial(transaction: &Transaction<'_>, name: &str, trial: Trial) -> sql::Result<()> {
    let text = trial.digest.to_string();
    let update = "UPDATE plugin_rollouts SET serial = serial + 1, trial = ?2, trial_replica = ?3, trials_lost = 0,
                    waiting = NULLIF(waiting, ?2)
                  WHERE name = ?1";
    transaction.execute(update, values![name, text, trial.replica]).map(drop)
}

/// Ends a trial, and makes a version live. The version before it is kept for a withdrawal.
fn set_live(transaction: &Transaction<'_>, name: &str, live: Option<Digest>) -> sql::Result<()> {
    let text = live.map(|digest| digest.to_string());
    let update = "UPDATE plugin_rollouts SET serial = serial + 1, previous = live, live = ?2, trial = NULL,
                    trial_replica = NULL, waiting = NULLIF(waiting, ?2)
                  WHERE name = ?1";
    transaction.execute(update, values![name, text])?;
    let update = "UPDATE plugin_versions SET live_ms = ?3 WHERE name = ?1 AND digest = ?2";
    transaction.execute(update, values![name, text, transaction.now_ms()])?;
    let delete = "DELETE FROM plugin_decisions WHERE name = ?1 AND digest = ?2 AND excluded IS NOT NULL";
    transaction.execute(delete, values![name, text]).map(drop)
}

pub(super) fn promote(transaction: &Transaction<'_>, name: &str, digest: Digest) -> sql::Result<()> {
    match open(transaction, name)?.is_on_trial(digest) {
        true => set_live(transaction, name, Some(digest)),
        // The trial has ended, or this is the second run of the same write.
        false => Ok(()),
    }
}

pub(super) fn withdraw(transaction: &Transaction<'_>, name: &str, digest: Digest, reason: &str) -> sql::Result<()> {
    let rollout = open(transaction, name)?;
    let text = digest.to_string();
    decide(transaction, name, digest, Some(reason))?;
    if rollout.is_on_trial(digest) {
        let update = "UPDATE plugin_rollouts SET trial = NULL, trial_replica = NULL WHERE name = ?1 AND trial = ?2";
        return transaction.execute(update, values![name, text]).map(drop);
    }
    // It must not return as the version before another one.
    let update = "UPDATE plugin_rollouts SET previous = NULL WHERE name = ?1 AND previous = ?2";
    transaction.execute(update, values![name, text])?;
    // Without a version before it, the plugin has no live version.
    let update = "UPDATE plugin_rollouts SET live = previous, previous = NULL WHERE name = ?1 AND live = ?2";
    if transaction.execute(update, values![name, text])? == 1 {
        // The next version is compared with the one that is live again.
        let update = "UPDATE plugin_versions SET live_ms = ?2
                      WHERE name = ?1 AND digest = (SELECT live FROM plugin_rollouts WHERE name = ?1)";
        transaction.execute(update, values![name, transaction.now_ms()])?;
    }
    Ok(())
}

fn is_stored(transaction: &Transaction<'_>, name: &str, digest: Digest) -> sql::Result<bool> {
    let stored = "SELECT count(*) FROM plugin_versions WHERE name = ?1 AND digest = ?2 AND is_stored";
    Ok(transaction.value::<i64>(stored, values![name, digest.to_string()])? > 0)
}

pub(super) fn roll_back(transaction: &Transaction<'_>, name: &str, to: Digest, reason: &str) -> sql::Result<bool> {
    let rollout = open(transaction, name)?;
    if !is_stored(transaction, name, to)? {
        return Ok(false);
    }
    if let Some(trial) = rollout.trial {
        decide(transaction, name, trial.digest, Some(reason))?;
    }
    if let Some(live) = rollout.live.filter(|live| *live != to) {
        decide(transaction, name, live, Some(reason))?;
    }
    set_live(transaction, name, Some(to))?;
    // The version that was rolled back must not return.
    transaction.execute("UPDATE plugin_rollouts SET previous = NULL WHERE name = ?1", values![name])?;
    Ok(true)
}

pub(super) fn wait(transaction: &Transaction<'_>, name: &str, digest: Digest, reason: &str) -> sql::Result<()> {
    if open(transaction, name)?.waiting == Some((digest, reason.to_owned())) {
        return Ok(());
    }
    let text = digest.to_string();
    let update = "UPDATE plugin_rollouts SET serial = serial + 1, waiting = ?2, waiting_reason = ?3 WHERE name = ?1";
    transaction.execute(update, values![name, text, reason]).map(drop)
}

pub(super) fn allow(transaction: &Transaction<'_>, name: &str, trial: Trial) -> sql::Result<()> {
    let rollout = open(transaction, name)?;
    decide(transaction, name, trial.digest, None)?;
    let is_stored = is_stored(transaction, name, trial.digest)?;
    if is_stored && rollout.trial.is_none() && rollout.live != Some(trial.digest) {
        return begin_trial(transaction, name, trial);
    }
    Ok(())
}

pub(super) fn remove(transaction: &Transaction<'_>, name: &str) -> sql::Result<()> {
    let rollout = open(transaction, name)?;
    if rollout.live.is_none() && rollout.trial.is_none() {
        return Ok(());
    }
    set_live(transaction, name, None)
}

/// Gives the trial of a replica that has ended or is leaving to this one.
pub(super) fn adopt(
    transaction: &Transaction<'_>,
    name: &str,
    trial: Trial,
    me: i64,
    lost_max: i64,
) -> sql::Result<()> {
    let state = "SELECT state FROM replicas WHERE id = ?1";
    let state: Option<String> = transaction.row(state, values![trial.replica], |row| row.get(0))?;
    if state.as_deref() == Some("up") || row(transaction, name)?.and_then(|rollout| rollout.trial) != Some(trial) {
        return Ok(());
    }
    let has_ended = i64::from(trial.replica != NO_REPLICA && state.as_deref() != Some("leaving"));
    let update = "UPDATE plugin_rollouts SET serial = serial + 1, trial_replica = ?2, trials_lost = trials_lost + ?3
                  WHERE name = ?1 AND EXISTS (SELECT 1 FROM replicas WHERE id = ?2 AND state = 'up')
                  RETURNING trials_lost";
    let lost: Option<i64> = transaction.row(update, values![name, me, has_ended], |row| row.get(0))?;
    if lost.is_some_and(|lost| lost >= lost_max) {
        withdraw(transaction, name, trial.digest, &format!("{lost_max} replicas ended during its trial"))?;
    }
    Ok(())
}

/// Leaves a trial to another replica.
pub(super) fn release(transaction: &Transaction<'_>, name: &str, trial: Trial) -> sql::Result<()> {
    let text = trial.digest.to_string();
    let update = "UPDATE plugin_rollouts SET serial = serial + 1, trial_replica = NULL
                  WHERE name = ?1 AND trial = ?2 AND trial_replica = ?3";
    transaction.execute(update, values![name, text, trial.replica]).map(drop)
}

/// Excludes a version for a reason, or allows it.
fn decide(transaction: &Transaction<'_>, name: &str, digest: Digest, excluded: Option<&str>) -> sql::Result<()> {
    let text = digest.to_string();
    let insert = "INSERT INTO plugin_decisions (name, digest, excluded, time_ms) VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT (name, digest) DO UPDATE SET excluded = excluded.excluded, time_ms = excluded.time_ms";
    transaction.execute(insert, values![name, text, excluded, transaction.now_ms()])?;
    let delete = "DELETE FROM plugin_decisions WHERE name = ?1 AND digest NOT IN
                    (SELECT digest FROM plugin_decisions WHERE name = ?1 ORDER BY time_ms DESC, digest LIMIT ?2)";
    transaction.execute(delete, values![name, DECISIONS_MAX])?;
    touch(transaction, name)
}

/// Deletes the bytes of versions beyond the limits, but never of one that is live, on trial, or kept for a withdrawal.
pub(super) fn trim(transaction: &Transaction<'_>, name: &str, limits: Limits) -> sql::Result<()> {
    let most = i64::try_from(limits.versions_max).unwrap_or(i64::MAX);
    let update = "UPDATE plugin_versions AS version SET is_stored = FALSE
                  WHERE name = ?1 AND is_stored
                    AND digest NOT IN (SELECT digest FROM plugin_versions WHERE name = ?1 AND is_stored
                                       ORDER BY coalesce(live_ms, offered_ms) DESC, digest LIMIT ?2)
                    AND NOT EXISTS (SELECT 1 FROM plugin_rollouts AS rollout WHERE rollout.name = version.name
                                    AND version.digest IN (live, previous, trial))";
    transaction.execute(update, values![name, most])?;
    // All names together: the oldest versions go first.
    let bytes = i64::try_from(limits.versions_bytes_max).unwrap_or(i64::MAX);
    let update = "UPDATE plugin_versions AS version SET is_stored = FALSE
                  WHERE is_stored
                    AND (SELECT sum(newer.size) FROM plugin_versions AS newer WHERE newer.is_stored
                         AND coalesce(newer.live_ms, newer.offered_ms)
                           >= coalesce(version.live_ms, version.offered_ms)) > ?1
                    AND NOT EXISTS (SELECT 1 FROM plugin_rollouts AS rollout WHERE rollout.name = version.name
                                    AND version.digest IN (live, previous, trial))";
    transaction.execute(update, values![bytes])?;
    let delete = "DELETE FROM plugin_versions AS version
                  WHERE name = ?1 AND NOT is_stored
                    AND digest NOT IN (SELECT digest FROM plugin_versions WHERE name = ?1
                                       ORDER BY coalesce(live_ms, offered_ms) DESC, digest LIMIT ?2)
                    AND NOT EXISTS (SELECT 1 FROM plugin_rollouts AS rollout WHERE rollout.name = version.name
                                    AND version.digest IN (live, previous, trial))";
    transaction.execute(delete, values![name, KNOWN_MAX])?;
    let before = transaction.now_ms().saturating_sub(i64::try_from(UPLOAD_MAX.as_millis()).unwrap_or(i64::MAX));
    let delete = "DELETE FROM plugin_bytes AS bytes WHERE time_ms < ?1
                    AND NOT EXISTS (SELECT 1 FROM plugin_versions AS version
                                    WHERE version.digest = bytes.digest AND is_stored)";
    transaction.execute(delete, values![before]).map(drop)
}

/// Stores receipts, and deletes the oldest beyond `max`.
pub(super) fn note(
    transaction: &Transaction<'_>,
    replica: &str,
    receipts: &[(String, u64, String)],
    max: usize,
) -> sql::Result<()> {
    let insert = "INSERT INTO plugin_receipts (id, replica, time_ms, receipt) VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT DO NOTHING";
    for (id, time_ms, receipt) in receipts {
        transaction.execute(insert, values![id, replica, time_ms.cast_signed(), receipt])?;
    }
    let delete = "DELETE FROM plugin_receipts WHERE id < (SELECT id FROM plugin_receipts ORDER BY id DESC
                                                          OFFSET ?1 LIMIT 1)";
    transaction.execute(delete, values![i64::try_from(max.saturating_sub(1)).unwrap_or(i64::MAX)]).map(drop)
}
