//! Front's confirmations of imported messages, with Front's own ids.

use std::time::SystemTime;

use frontgate_front::requests::Imported;
use frontgate_store::{OWN, Origin, millis};
use rusqlite::{OptionalExtension as _, params};

use super::conversations;
use crate::store::{Store, StoreError};

impl Store {
    /// Stores Front's ids of an imported message and makes its delivery due if the outcome is unknown.
    pub async fn confirm_import(&self, channel: i64, tenant: &str, imported: Imported) -> Result<(), StoreError> {
        let due = self.due_signal(tenant);
        self.database
            .write_in_time(Origin::event(tenant, 0), move |transaction| {
                let now = millis(SystemTime::now());
                let Imported { message_id, message_uid, front_conversation_id, external_id, conversation_ids, .. } =
                    imported;
                // Two statements, because SQLite would use neither index for an OR.
                let mut messages: Vec<i64> = Vec::new();
                for known in ["external_id = ?2 AND ?2 IS NOT NULL", "uid = ?3 AND uid IS NOT NULL"] {
                    let mut update = transaction.prepare_cached(&format!(
                        "UPDATE front_messages SET front_id = coalesce(?4, front_id), uid = coalesce(?3, uid)
                         WHERE channel = ?1 AND {known} RETURNING id"
                    ))?;
                    let found = params![channel, external_id, message_uid, message_id];
                    let found: Vec<i64> = update.query_map(found, |row| row.get(0))?.collect::<Result<_, _>>()?;
                    messages.extend(found);
                }
                let mut make_due = transaction.prepare_cached(
                    "UPDATE deliveries SET due_ms = ?2
                     WHERE message = ?1 AND state = 'unknown' AND lease IS NULL AND due_ms IS NOT NULL",
                )?;
                messages.iter().try_for_each(|message| make_due.execute(params![message, now]).map(drop))?;
                if let Some(front_id) = &front_conversation_id {
                    conversations::set_front_id(transaction, channel, &conversation_ids, front_id)?;
                }
                conversations::merge(transaction, channel, &conversation_ids)
            })
            .await?;
        due.notify_waiters();
        Ok(())
    }

    /// Returns whether Front has confirmed a message.
    pub(crate) async fn is_imported(&self, message: i64) -> Result<bool, StoreError> {
        self.database
            .read(OWN, move |connection| {
                let select = "SELECT front_id IS NOT NULL FROM front_messages WHERE id = ?1";
                Ok(connection
                    .prepare_cached(select)?
                    .query_row([message], |row| row.get(0))
                    .optional()?
                    .unwrap_or(false))
            })
            .await
    }
}
