//! Names of conversations: maps Front's ids to the plugin's ids, which may differ.
//!
//! Conversations that Front merged share one lane, and the messages of a lane are delivered in order.

use frontgate_front::ids;
use frontgate_store::sql::{self, Transaction, indexed};
use frontgate_store::values;

/// The conversation of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConversationKey {
    /// The id that Front knows, or will know.
    pub(super) external_id: String,
    /// Lane of the conversation. Messages of one lane are delivered in order.
    pub(super) lane: String,
}

/// Front's information about the conversation of a message.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Ids that the gateway gave to Front.
    pub ids: Vec<String>,
    /// Front's id, `cnv_...`.
    pub front_id: Option<String>,
    /// Front's id of the message that this one replies to, `msg_...`.
    pub replied_to: Option<String>,
    /// Handle of the recipient.
    pub handle: Option<String>,
    /// Whether to fall back to the message replied to, then to the last conversation with the recipient.
    pub is_answer: bool,
}

/// Finds the conversation of a message from Front, or creates one with the id `minted`.
pub(super) fn of_front(
    transaction: &Transaction<'_>,
    channel: i64,
    hints: &Hints,
    minted: &str,
) -> sql::Result<ConversationKey> {
    let known = if hints.ids.is_empty() { search(transaction, channel, hints)? } else { None };
    let ids: Vec<String> = match known {
        Some(id) => vec![id],
        None if hints.ids.is_empty() => vec![minted.to_owned()],
        None => hints.ids.iter().cloned().map(indexed).collect(),
    };
    for id in &ids {
        touch(transaction, channel, id, hints.handle.as_deref())?;
    }
    if let Some(front_id) = &hints.front_id {
        set_front_id(transaction, channel, &ids, front_id)?;
    }
    merge(transaction, channel, &ids)?;
    let external_id = ids.into_iter().next().unwrap_or_default();
    let lane = lane(transaction, channel, &external_id)?;
    Ok(ConversationKey { external_id, lane })
}

/// Finds the conversation with a name of the plugin, or creates one.
pub(super) fn of_plugin(
    transaction: &Transaction<'_>,
    channel: i64,
    name: &str,
    handle: Option<&str>,
) -> sql::Result<ConversationKey> {
    let external_id = match named(transaction, channel, name)? {
        Some(external_id) => external_id,
        None => {
            let external_id = ids::safe(name);
            add_name(transaction, channel, name, &external_id)?;
            external_id
        }
    };
    touch(transaction, channel, &external_id, handle)?;
    let lane = lane(transaction, channel, &external_id)?;
    Ok(ConversationKey { external_id, lane })
}

/// Returns the plugin's names of all conversations in a lane, the most recently used first.
pub(super) fn names(read: &Transaction<'_>, channel: i64, lane: &str) -> sql::Result<Vec<String>> {
    let select = "SELECT name FROM front_conversation_names JOIN front_conversations USING (channel, external_id)
                  WHERE channel = ?1 AND lane = ?2 ORDER BY used_ms DESC, name";
    read.rows(select, values![channel, lane], |row| row.get(0))
}

/// Adds a name of the plugin to a conversation.
pub(super) fn add_name(transaction: &Transaction<'_>, channel: i64, name: &str, external_id: &str) -> sql::Result<()> {
    let insert = "INSERT INTO front_conversation_names (channel, name, external_id) VALUES (?1, ?2, ?3)
                  ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![channel, name, external_id]).map(drop)
}

/// Returns the id of the conversation with a name of the plugin.
pub(super) fn named(read: &Transaction<'_>, channel: i64, name: &str) -> sql::Result<Option<String>> {
    let select = "SELECT external_id FROM front_conversation_names WHERE channel = ?1 AND name = ?2";
    read.row(select, values![channel, name], |row| row.get(0))
}

/// Changes the id of a conversation that Front does not know yet. If the new id exists, the two become one.
pub(super) fn rename(transaction: &Transaction<'_>, channel: i64, from: &str, to: &str) -> sql::Result<()> {
    if from == to {
        return Ok(());
    }
    for statement in [
        "UPDATE front_conversations SET external_id = ?3 WHERE channel = ?1 AND external_id = ?2
           AND NOT EXISTS (SELECT 1 FROM front_conversations AS other
                           WHERE other.channel = ?1 AND other.external_id = ?3)",
        "DELETE FROM front_conversations WHERE channel = ?1 AND external_id = ?2 AND external_id <> ?3",
        "UPDATE front_messages SET external_conversation_id = ?3 WHERE channel = ?1 AND external_conversation_id = ?2",
        "UPDATE front_conversation_names SET external_id = ?3 WHERE channel = ?1 AND external_id = ?2",
    ] {
        transaction.execute(statement, values![channel, from, to])?;
    }
    Ok(())
}

/// Stores Front's id for each of these conversations.
pub(super) fn set_front_id(
    transaction: &Transaction<'_>,
    channel: i64,
    ids: &[String],
    front_id: &str,
) -> sql::Result<()> {
    let update = "UPDATE front_conversations SET front_id = ?3 WHERE channel = ?1 AND external_id = ?2";
    let front_id = indexed(front_id.to_owned());
    ids.iter().try_for_each(|id| transaction.execute(update, values![channel, id, front_id]).map(drop))
}

/// Merges conversations: they, and all conversations merged with them before, get the same lane.
pub(super) fn merge(transaction: &Transaction<'_>, channel: i64, ids: &[String]) -> sql::Result<()> {
    let mut lanes = Vec::new();
    for id in ids {
        lanes.extend(known_lane(transaction, channel, id)?);
    }
    let Some(first) = lanes.iter().min() else { return Ok(()) };
    let update = "UPDATE front_conversations SET lane = ?3 WHERE channel = ?1 AND lane = ?2";
    for lane in lanes.iter().filter(|lane| *lane != first) {
        transaction.execute(update, values![channel, lane, first])?;
    }
    Ok(())
}

/// Returns the lane of a conversation, which is its id unless it was merged.
pub(super) fn lane(read: &Transaction<'_>, channel: i64, external_id: &str) -> sql::Result<String> {
    Ok(known_lane(read, channel, external_id)?.unwrap_or_else(|| external_id.to_owned()))
}

fn known_lane(read: &Transaction<'_>, channel: i64, external_id: &str) -> sql::Result<Option<String>> {
    let select = "SELECT lane FROM front_conversations WHERE channel = ?1 AND external_id = ?2";
    read.row(select, values![channel, external_id], |row| row.get(0))
}

/// Creates a conversation, or updates its handle and the time of its last use.
fn touch(transaction: &Transaction<'_>, channel: i64, external_id: &str, handle: Option<&str>) -> sql::Result<()> {
    let insert = "INSERT INTO front_conversations (channel, external_id, lane, handle, used_ms)
                  VALUES (?1, ?2, ?2, ?3, ?4)
                  ON CONFLICT (channel, external_id) DO UPDATE
                  SET handle = coalesce(excluded.handle, front_conversations.handle), used_ms = excluded.used_ms";
    let handle = handle.map(|handle| indexed(handle.to_owned()));
    transaction.execute(insert, values![channel, external_id, handle, transaction.now_ms()]).map(drop)
}

/// Finds a conversation by the hints other than `ids`.
fn search(read: &Transaction<'_>, channel: i64, hints: &Hints) -> sql::Result<Option<String>> {
    let by = |select: &str, value: &Option<String>| match value {
        Some(value) => read.row(select, values![channel, indexed(value.clone())], |row| row.get(0)),
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
