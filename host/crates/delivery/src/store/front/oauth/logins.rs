//! Sign-ins in progress, one for each browser and app.

use std::time::Duration;

use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{Origin, values};
use zeroize::Zeroizing;

use super::{AppKey, sealed};
use crate::store::front::oauth::grants::{self, NewGrant};
use crate::store::{Store, StoreError};

/// Expired rows that one write deletes.
const ROWS_MAX: u32 = 500;

/// What a browser's cookie proves: the row's id, and the key of its content.
pub struct LoginKey {
    /// The id of the row: a digest.
    pub id: String,
    /// The key of the content.
    pub key: Zeroizing<[u8; 32]>,
}

/// A sign-in in progress.
pub struct Login {
    /// Number of the page that is shown.
    pub step: i64,
    /// The content, decrypted.
    pub content: Zeroizing<Vec<u8>>,
}

/// The result of [`Store::submit_login`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// The step may be made.
    Accepted,
    /// The form was of an earlier page, or the sign-in has ended.
    Stale,
    /// The sign-in had too many submissions, and has ended.
    TooMany,
}

impl Store {
    /// Begins a sign-in. Returns whether there is room: if the app has `most`, the oldest one without a submission is
    /// replaced.
    pub async fn begin_login(
        &self,
        app: &AppKey,
        login: &LoginKey,
        content: &[u8],
        lifetime: Duration,
        most: usize,
    ) -> Result<bool, StoreError> {
        let (app, id, content) = (app.clone(), login.id.clone(), sealed::seal(&login.key, &context(app), content));
        let scope = Scope::App { tenant: app.tenant.clone(), app: app.app.clone() };
        let origin = Origin::event(app.tenant.as_str(), content.len());
        self.database
            .write_in_time(origin, scope, move |transaction| begin(transaction, &app, &id, &content, lifetime, most))
            .await
    }

    /// Returns the sign-in of a browser. `None` if it has ended or expired.
    pub async fn login(&self, app: &AppKey, login: &LoginKey) -> Result<Option<Login>, StoreError> {
        let (owner, id) = (app.clone(), login.id.clone());
        let row = self
            .database
            .read(&app.tenant, move |read| {
                let select = "SELECT step, content FROM front_logins
                              WHERE id = ?1 AND tenant = ?2 AND app = ?3 AND expires_ms > ?4";
                let found = |row: &Row<'_>| Ok((row.get::<i64>(0)?, row.get::<Vec<u8>>(1)?));
                read.row(select, values![id, owner.tenant, owner.app, read.now_ms()], found)
            })
            .await?;
        Ok(row.and_then(|(step, content)| {
            sealed::open(&login.key, &context(app), &content).map(|content| Login { step, content })
        }))
    }

    /// Counts a submission of the shown page, before the plugin is called. `most` ends a sign-in that guesses.
    pub async fn submit_login(
        &self,
        app: &AppKey,
        login: &LoginKey,
        step: i64,
        most: u32,
    ) -> Result<Submission, StoreError> {
        let id = login.id.clone();
        self.database
            .write_in_time(Origin::event(app.tenant.as_str(), 0), Scope::Rows, move |transaction| {
                let update = "UPDATE front_logins SET submissions = submissions + 1
                              WHERE id = ?1 AND step = ?2 AND expires_ms > ?3 RETURNING submissions";
                let now = transaction.now_ms();
                let count = transaction.row(update, values![id, step, now], |row| row.get::<u32>(0))?;
                Ok(match count {
                    None => Submission::Stale,
                    Some(count) if count > most => {
                        transaction.execute("DELETE FROM front_logins WHERE id = ?1", values![id])?;
                        Submission::TooMany
                    }
                    Some(_) => Submission::Accepted,
                })
            })
            .await
    }

    /// Shows the next page of a sign-in, unless another request did.
    pub async fn advance_login(
        &self,
        app: &AppKey,
        login: &LoginKey,
        step: i64,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let (id, content) = (login.id.clone(), sealed::seal(&login.key, &context(app), content));
        let origin = Origin::event(app.tenant.as_str(), content.len());
        self.database
            .write_in_time(origin, Scope::Rows, move |transaction| {
                let update = "UPDATE front_logins SET step = step + 1, content = ?3 WHERE id = ?1 AND step = ?2";
                transaction.execute(update, values![id, step, content]).map(drop)
            })
            .await
    }

    /// Ends a sign-in.
    pub async fn end_login(&self, app: &AppKey, login: &LoginKey) -> Result<(), StoreError> {
        let id = login.id.clone();
        self.database
            .write_in_time(Origin::progress(app.tenant.as_str()), Scope::Rows, move |transaction| {
                transaction.execute("DELETE FROM front_logins WHERE id = ?1", values![id]).map(drop)
            })
            .await
    }

    /// Ends a sign-in with a grant. Returns false if the page was no longer shown, so that one consent issues one code.
    pub async fn grant(&self, app: &AppKey, login: &LoginKey, step: i64, grant: NewGrant) -> Result<bool, StoreError> {
        let (app, id) = (app.clone(), login.id.clone());
        self.database
            .write_in_time(Origin::event(app.tenant.as_str(), 0), Scope::Rows, move |transaction| {
                let delete = "DELETE FROM front_logins WHERE id = ?1 AND step = ?2 AND expires_ms > ?3";
                if transaction.execute(delete, values![id, step, transaction.now_ms()])? == 0 {
                    // An earlier run of this write may have succeeded.
                    return grants::exists(transaction, &grant);
                }
                grants::insert(transaction, &app, &grant)?;
                Ok(true)
            })
            .await
    }
}

fn context(app: &AppKey) -> String {
    format!("login {} {}", app.tenant, app.app)
}

fn begin(
    transaction: &Transaction<'_>,
    app: &AppKey,
    id: &str,
    content: &[u8],
    lifetime: Duration,
    most: usize,
) -> sql::Result<bool> {
    let now = transaction.now_ms();
    let (tenant, name) = (&app.tenant, &app.app);
    let count = "SELECT count(*) FROM front_logins WHERE tenant = ?1 AND app = ?2 AND expires_ms > ?3";
    let count: i64 = transaction.value(count, values![tenant, name, now])?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= most {
        let delete = "DELETE FROM front_logins WHERE id = (
                        SELECT id FROM front_logins WHERE tenant = ?1 AND app = ?2 AND submissions = 0
                        ORDER BY created_ms LIMIT 1)";
        if transaction.execute(delete, values![tenant, name])? == 0 {
            return Ok(false);
        }
    }
    let until = super::exchange::after(now, lifetime);
    let insert = "INSERT INTO front_logins (id, tenant, app, step, submissions, content, created_ms, expires_ms)
                  VALUES (?1, ?2, ?3, 0, 0, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![id, tenant, name, content, now, until])?;
    Ok(true)
}

/// Deletes expired sign-ins; returns whether more may be left.
pub(crate) fn prune(transaction: &Transaction<'_>) -> sql::Result<bool> {
    let delete = "DELETE FROM front_logins WHERE id IN (SELECT id FROM front_logins WHERE expires_ms <= ?1 LIMIT ?2)";
    Ok(transaction.execute(delete, values![transaction.now_ms(), ROWS_MAX])? == ROWS_MAX as usize)
}
