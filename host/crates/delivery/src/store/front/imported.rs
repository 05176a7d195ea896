//! Front's confirmations of imported messages, with Front's own ids.

use frontgate_front::requests::Imported;
use frontgate_store::sql::{Scope, indexed};
use frontgate_store::{NO_TENANT, Origin, values};

use super::conversations;
use crate::store::{Store, StoreError};

impl Store {
    /// Stores Front's ids of an imported message and makes its delivery due if the outcome is unknown.
    pub async fn confirm_import(&self, channel: i64, tenant: &str, imported: Imported) -> Result<(), StoreError> {
        self.database
            .write_in_time(Origin::event(tenant, 0), Scope::Channel(channel), move |transaction| {
                let Imported { message_id, message_uid, front_conversation_id, external_id, conversation_ids, .. } =
                    &imported;
                let [message_id, message_uid] = [message_id, message_uid].map(|id| id.clone().map(indexed));
                // Two statements, because SQLite would use neither index for an OR.
                let mut messages: Vec<i64> = Vec::new();
                for known in ["external_id = ?2 AND ?2 IS NOT NULL", "uid = ?3 AND uid IS NOT NULL"] {
                    let update = format!(
                        "UPDATE front_messages SET front_id = coalesce(?4, front_id), uid = coalesce(?3, uid)
                         WHERE channel = ?1 AND {known} RETURNING id"
                    );
                    let found = values![channel, external_id, message_uid, message_id];
                    messages.extend(transaction.rows(&update, found, |row| row.get::<i64>(0))?);
                }
                let make_due = "UPDATE deliveries SET due_ms = ?2
                                WHERE message = ?1 AND state = 'unknown' AND lease IS NULL AND due_ms IS NOT NULL";
                for message in messages {
                    transaction.execute(make_due, values![message, transaction.now_ms()])?;
                }
                if let Some(front_id) = front_conversation_id {
                    conversations::set_front_id(transaction, channel, conversation_ids, front_id)?;
                }
                conversations::merge(transaction, channel, conversation_ids)
            })
            .await?;
        self.notify_due(tenant);
        Ok(())
    }

    /// Returns whether Front has confirmed a message.
    pub(crate) async fn is_imported(&self, message: i64) -> Result<bool, StoreError> {
        self.database
            .read(NO_TENANT, move |read| {
                let select = "SELECT front_id IS NOT NULL FROM front_messages WHERE id = ?1";
                Ok(read.row(select, values![message], |row| row.get(0))?.unwrap_or(false))
            })
            .await
    }
}
