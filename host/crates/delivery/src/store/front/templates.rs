//! Templates of channels' providers: as the plugin listed them last, and the fields that Front has.

use std::collections::HashSet;

use frontgate_front::api;
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{NO_TENANT, Origin, values};

use super::channels::Channel;
use crate::listed_template::ListedTemplate;
use crate::store::{Store, StoreError};

/// A template, and what Front has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredTemplate {
    /// The id of the plugin.
    pub(crate) id: String,
    /// `None`: the plugin no longer lists it.
    pub(crate) listed: Option<ListedTemplate>,
    pub(crate) in_front: Option<api::Template>,
}

/// Reads the templates of a channel, for [`stored`].
pub(crate) const TEMPLATES: &str = "SELECT id, template, in_front FROM front_templates WHERE channel = ?1 ORDER BY id";

impl Store {
    /// Replaces the list of a channel's templates. A template that is missing, and that Front has, stays until it is
    /// disabled there.
    pub(crate) async fn store_templates(
        &self,
        channel: &Channel,
        listed: Vec<ListedTemplate>,
    ) -> Result<(), StoreError> {
        let (id, bytes) = (channel.id, listed.iter().map(|one| one.body.len()).sum());
        self.database
            .write(Origin::event(channel.tenant.as_str(), bytes), Scope::Channel(id), move |transaction| {
                if !is_connected(transaction, id)? {
                    return Ok(());
                }
                replace(transaction, id, &listed)
            })
            .await
    }

    /// Returns all templates of a channel.
    pub(crate) async fn templates(&self, channel: i64) -> Result<Vec<StoredTemplate>, StoreError> {
        self.database.read(NO_TENANT, move |read| read.rows(TEMPLATES, values![channel], stored)).await
    }

    /// Stores the fields that Front has of a template now; `None`: Front does not have the template.
    pub(crate) async fn store_template_in_front(
        &self,
        channel: &Channel,
        id: String,
        in_front: Option<api::Template>,
    ) -> Result<(), StoreError> {
        let row = channel.id;
        self.database
            .write(Origin::progress(channel.tenant.as_str()), Scope::Channel(row), move |transaction| {
                let in_front = in_front.as_ref().map(json);
                let update = "UPDATE front_templates SET in_front = ?3 WHERE channel = ?1 AND id = ?2";
                transaction.execute(update, values![row, id, in_front]).map(drop)
            })
            .await
    }

    /// Deletes a template that the plugin no longer lists and Front no longer offers.
    pub(crate) async fn forget_template(&self, channel: &Channel, id: String) -> Result<(), StoreError> {
        let row = channel.id;
        self.database
            .write(Origin::progress(channel.tenant.as_str()), Scope::Channel(row), move |transaction| {
                let delete = "DELETE FROM front_templates WHERE channel = ?1 AND id = ?2 AND template IS NULL";
                transaction.execute(delete, values![row, id]).map(drop)
            })
            .await
    }
}

/// Deletes the templates of a removed channel.
pub(super) fn delete(transaction: &Transaction<'_>, channel: i64) -> sql::Result<()> {
    for statement in
        ["DELETE FROM front_templates WHERE channel = ?1", "DELETE FROM front_template_lists WHERE channel = ?1"]
    {
        transaction.execute(statement, values![channel])?;
    }
    Ok(())
}

fn is_connected(transaction: &Transaction<'_>, channel: i64) -> sql::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM front_channels WHERE id = ?1 AND state = 'connected')";
    transaction.value(select, values![channel])
}

fn replace(transaction: &Transaction<'_>, channel: i64, listed: &[ListedTemplate]) -> sql::Result<()> {
    let select = "SELECT id, template FROM front_templates WHERE channel = ?1";
    let known =
        transaction.rows(select, values![channel], |row| Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?)))?;
    let mut ids = HashSet::new();
    for template in listed {
        let json = json(template);
        let is_stored = known.iter().any(|(id, old)| *id == template.id && old.as_ref() == Some(&json));
        if ids.insert(template.id.as_str()) && !is_stored {
            let insert = "INSERT INTO front_templates (channel, id, template) VALUES (?1, ?2, ?3)
                          ON CONFLICT (channel, id) DO UPDATE SET template = excluded.template";
            transaction.execute(insert, values![channel, template.id, json])?;
        }
    }
    for (id, _) in known.iter().filter(|(id, _)| !ids.contains(id.as_str())) {
        for statement in [
            "DELETE FROM front_templates WHERE channel = ?1 AND id = ?2 AND in_front IS NULL",
            "UPDATE front_templates SET template = NULL WHERE channel = ?1 AND id = ?2",
        ] {
            transaction.execute(statement, values![channel, id])?;
        }
    }
    Ok(())
}

/// Reads a row. Unreadable JSON, as of another version, is treated as missing, so that it is written again.
pub(crate) fn stored(row: &Row<'_>) -> sql::Result<StoredTemplate> {
    let [listed, in_front] = [row.get::<Option<String>>(1)?, row.get::<Option<String>>(2)?];
    Ok(StoredTemplate {
        id: row.get(0)?,
        listed: listed.and_then(|json| serde_json::from_str(&json).ok()),
        in_front: in_front.and_then(|json| serde_json::from_str(&json).ok()),
    })
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts, flags and lists of them")
}
