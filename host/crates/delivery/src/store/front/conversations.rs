//! What conversations are called: Front knows ids that it was told, the plugin knows its own, and both are
//! the same only most of the time.

use frontgate_front::ids;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// Where a message belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As Front knows it, or will.
    pub(super) external_id: String,
    /// In which order its messages go.
    pub(super) lane: String,
}

/// What Front says of the conversation of a message.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Ids that it was told.
    pub ids: Vec<String>,
    /// `cnv_...`.
    pub front_id: Option<String>,
    /// `msg_...`, for one that has no ids.
    pub replied_to: Option<String>,
    /// Whom it goes to.
    pub handle: Option<String>,
    /// Whether it belongs where others with the same person are, if nothing else is known.
    pub is_answer: bool,
}

/// The conversation that Front means, which is new where it says nothing that is known.
pub(super) fn of_front(
    transaction: &Transaction<'_>,
    channel: i64,
    hints: &Hints,
    minted: &str,
    now: i64,
) -> rusqlite::Result<Place> {
    let known = if hints.ids.is_empty() { search(transaction, channel, hints)? } else { None };
    let ids: Vec<String> = match known {
        Some(id) => vec![id],
        None if hints.ids.is_empty() => vec![minted.to_owned()],
        None => hints.ids.clone(),
    };
    for id in &ids {
        keep(transaction, channel, id, hints.handle.as_deref(), now)?;
    }
    if let Some(front_id) = &hints.front_id {
        note_front_id(transaction, channel, &ids, front_id)?;
    }
    merge(transaction, channel, &ids)?;
    let external_id = ids.into_iter().next().unwrap_or_default();
    let lane = lane(transaction, channel, &external_id)?;
    Ok(Place { external_id, lane })
}

/// The conversation that the plugin means.
pub(super) fn of_plugin(
    transaction: &Transaction<'_>,
    channel: i64,
    name: &str,
    handle: Option<&str>,
    now: i64,
) -> rusqlite::Result<Place> {
    let external_id = match named(transaction, channel, name)? {
        Some(external_id) => external_id,
        None => {
            let external_id = ids::safe(name);
            call(transaction, channel, name, &external_id)?;
            external_id
        }
    };
    keep(transaction, channel, &external_id, handle, now)?;
    let lane = lane(transaction, channel, &external_id)?;
    Ok(Place { external_id, lane })
}

/// What the plugin calls a conversation and all that were merged with it.
pub(super) fn names(connection: &Connection, channel: i64, lane: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare_cached(
        "SELECT name FROM front_conversation_names JOIN front_conversations USING (channel, external_id)
         WHERE channel = ?1 AND lane = ?2 ORDER BY used_ms DESC, name",
    )?;
    select.query_map(params![channel, lane], |row| row.get(0))?.collect()
}

/// The plugin calls a conversation so.
pub(super) fn call(transaction: &Transaction<'_>, channel: i64, name: &str, external_id: &str) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO front_conversation_names (channel, name, external_id) VALUES (?1, ?2, ?3)",
    )?;
    insert.execute(params![channel, name, external_id]).map(drop)
}

pub(super) fn named(connection: &Connection, channel: i64, name: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT external_id FROM front_conversation_names WHERE channel = ?1 AND name = ?2";
    connection.prepare_cached(select)?.query_row(params![channel, name], |row| row.get(0)).optional()
}

/// Nobody has heard of a conversation's id yet: it gets another one, which may be that of one that is there.
pub(super) fn rename(transaction: &Transaction<'_>, channel: i64, from: &str, to: &str) -> rusqlite::Result<()> {
    if from == to {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "UPDATE OR IGNORE front_conversations SET external_id = ?3 WHERE channel = ?1 AND external_id = ?2",
        )?
        .execute(params![channel, from, to])?;
    transaction
        .prepare_cached("DELETE FROM front_conversations WHERE channel = ?1 AND external_id = ?2")?
        .execute(params![channel, from])?;
    transaction
        .prepare_cached(
            "UPDATE front_messages SET external_conversation_id = ?3 WHERE channel = ?1 AND external_conversation_id = ?2",
        )?
        .execute(params![channel, from, to])?;
    transaction
        .prepare_cached("UPDATE front_conversation_names SET external_id = ?3 WHERE channel = ?1 AND external_id = ?2")?
        .execute(params![channel, from, to])
        .map(drop)
}

pub(super) fn note_front_id(
    transaction: &Transaction<'_>,
    channel: i64,
    ids: &[String],
    front_id: &str,
) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE front_conversations SET front_id = ?3 WHERE channel = ?1 AND external_id = ?2")?;
    ids.iter().try_for_each(|id| update.execute(params![channel, id, front_id]).map(drop))
}

/// All of these are one conversation by now: they have one lane, the oldest one's.
pub(super) fn merge(transaction: &Transaction<'_>, channel: i64, ids: &[String]) -> rusqlite::Result<()> {
    let mut lanes = Vec::new();
    for id in ids {
        lanes.extend(known_lane(transaction, channel, id)?);
    }
    let Some(first) = lanes.iter().min().cloned() else { return Ok(()) };
    let mut update =
        transaction.prepare_cached("UPDATE front_conversations SET lane = ?3 WHERE channel = ?1 AND lane = ?2")?;
    lanes
        .iter()
        .filter(|lane| **lane != first)
        .try_for_each(|lane| update.execute(params![channel, lane, first]).map(drop))
}

pub(super) fn lane(connection: &Connection, channel: i64, external_id: &str) -> rusqlite::Result<String> {
    Ok(known_lane(connection, channel, external_id)?.unwrap_or_else(|| external_id.to_owned()))
}

fn known_lane(connection: &Connection, channel: i64, external_id: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT lane FROM front_conversations WHERE channel = ?1 AND external_id = ?2";
    connection.prepare_cached(select)?.query_row(params![channel, external_id], |row| row.get(0)).optional()
}

fn keep(
    transaction: &Transaction<'_>,
    channel: i64,
    external_id: &str,
    handle: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO front_conversations (channel, external_id, lane, handle, used_ms) VALUES (?1, ?2, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET handle = coalesce(excluded.handle, handle), used_ms = excluded.used_ms",
    )?;
    insert.execute(params![channel, external_id, handle, now]).map(drop)
}

/// By everything that Front says beside ids.
fn search(connection: &Connection, channel: i64, hints: &Hints) -> rusqlite::Result<Option<String>> {
    let by = |select: &str, value: &Option<String>| match value {
        Some(value) => {
            connection.prepare_cached(select)?.query_row(params![channel, value], |row| row.get(0)).optional()
        }
        None => Ok(None),
    };
    let by_front_id = "SELECT external_id FROM front_conversations WHERE channel = ?1 AND front_id = ?2
                       ORDER BY used_ms DESC LIMIT 1";
    if let Some(found) = by(by_front_id, &hints.front_id)? {
        return Ok(Some(found));
    }
    if !hints.is_answer {
        return Ok(None);
    }
    let by_message = "SELECT external_conversation_id FROM front_messages WHERE channel = ?1 AND front_id = ?2 LIMIT 1";
    if let Some(found) = by(by_message, &hints.replied_to)? {
        return Ok(Some(found));
    }
    let by_handle = "SELECT external_id FROM front_conversations WHERE channel = ?1 AND handle = ?2
                     ORDER BY used_ms DESC LIMIT 1";
    by(by_handle, &hints.handle)
}
