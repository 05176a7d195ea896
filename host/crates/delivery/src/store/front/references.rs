//! References between messages: translates Front's ids of answered messages to the plugin's, and back.

use frontgate_store::sql::{self, Transaction, indexed};
use frontgate_store::{NO_TENANT, values};

use crate::store::{Store, StoreError};

impl Store {
    /// Returns the plugin's ids of the messages that a message answers: of `msg_...`, and of the gateway's id in Front's
    /// header. `None` for a message that is unknown, or whose provider's id is not known yet.
    pub(crate) async fn answered_messages(
        &self,
        channel: i64,
        [front_id, external_id]: [Option<String>; 2],
    ) -> Result<[Option<String>; 2], StoreError> {
        self.database
            .read(NO_TENANT, move |read| {
                let replied_to = match &front_id {
                    Some(id) => find(read, "name", "front_id = ?2", channel, &indexed(id.clone()))?,
                    None => None,
                };
                let in_reply_to = match &external_id {
                    Some(id) => find(read, "name", "external_id = ?2", channel, id)?,
                    None => None,
                };
                Ok([replied_to, in_reply_to])
            })
            .await
    }

    /// Returns the id by which Front knows the message with this id of the plugin.
    pub(crate) async fn referenced_message(&self, channel: i64, name: String) -> Result<Option<String>, StoreError> {
        self.database.read(NO_TENANT, move |read| find(read, "external_id", "name = ?2", channel, &name)).await
    }
}

/// Returns a column of the first message that matches.
fn find(
    read: &Transaction<'_>,
    column: &str,
    condition: &str,
    channel: i64,
    value: &str,
) -> sql::Result<Option<String>> {
    let select = format!(
        "SELECT {column} FROM front_messages WHERE channel = ?1 AND {condition} AND name IS NOT NULL ORDER BY id LIMIT 1"
    );
    read.row(&select, values![channel, value], |row| row.get(0))
}
