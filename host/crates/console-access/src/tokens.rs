//! Bearer tokens of scripts, which read the JSON of pages. Only digests are stored.

use frontgate_audit::{Actor, NewAction};
use frontgate_store::sql::{Scope, Transaction};
use frontgate_store::{NO_TENANT, Origin, StoreError, values};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use serde::Serialize;

use crate::links::Invited;
use crate::roles::Role;
use crate::secret;
use crate::sessions::{Access, Session, SignIn, USE_WRITTEN_MS, tenants, tenants_text, valid_name};

/// Start of every token, so that tokens are found in repositories and logs, and tokens of other programs are not
/// mistaken for them.
const PREFIX: &str = "frontgate_";

/// Maximum number of tokens that have not expired.
const TOKENS_MAX: i64 = 1_000;

/// Follows a token's name in the record of actions.
const SUFFIX: &str = " (token)";

/// A token in a list, without its secret.
#[derive(Debug, Clone, Serialize)]
pub struct TokenSummary {
    /// First digits of the token's id, which `frontgate console end` takes.
    pub id: String,
    /// Name of the script.
    pub who: String,
    /// Its role.
    pub role: String,
    /// Names of the tenants that it sees; `None` for all.
    pub tenants: Option<Vec<String>>,
    /// Time of its creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// Time at which it expires, in milliseconds since 1970.
    pub expires_ms: i64,
    /// Time of the last use, to a minute, in milliseconds since 1970.
    pub used_ms: Option<i64>,
}

/// Returns the token of a request, if it has one of the console. Proxies may add other tokens.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(PREFIX)).then_some(token.trim())
}

impl Access {
    /// Creates a token for a script, records it as an action of `actor`, and returns it; `None` if there are too many.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn create_token(
        &self,
        actor: &Actor,
        who: &str,
        role: Role,
        allowed: Option<Vec<String>>,
        valid_ms: i64,
    ) -> Result<Option<String>, StoreError> {
        let token = format!("{PREFIX}{}", secret::random());
        let (id, who, actor) = (secret::digest(&token), valid_name(who), actor.clone());
        let write = move |transaction: &Transaction<'_>| {
            let now = transaction.now_ms();
            transaction.execute("DELETE FROM console_tokens WHERE expires_ms < ?1", values![now])?;
            let count: i64 = transaction.value("SELECT count(*) FROM console_tokens", values![])?;
            if count >= TOKENS_MAX {
                return Ok(false);
            }
            let insert = "INSERT INTO console_tokens (id, who, role, tenants, created_ms, expires_ms)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let expires = now.saturating_add(valid_ms);
            transaction.execute(insert, values![id, who, role.name(), tenants_text(allowed.as_ref()), now, expires])?;
            let object = format!("token of {who}, role {role}");
            frontgate_audit::append(transaction, &NewAction::new(&actor, "create token", &object))?;
            Ok(true)
        };
        let is_created = self.database().write_in_time(Origin::internal(), Scope::Rows, write).await?;
        Ok(is_created.then_some(token))
    }

    /// Returns the session of a token that has not expired. It has no proof, and so changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn token_session(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let id = secret::digest(token);
        let wanted = id.clone();
        let read = move |read: &Transaction<'_>| {
            let now = read.now_ms();
            let select = "SELECT who, role, tenants, used_ms FROM console_tokens WHERE id = ?1 AND expires_ms >= ?2";
            read.row(select, values![wanted, now], |row| {
                let role = Role::named(&row.named::<String>("role")?);
                let age = row.named::<Option<i64>>("used_ms")?.map(|used| now - used);
                let invited = |role| -> frontgate_store::sql::Result<Invited> {
                    Ok(Invited { who: row.named::<String>("who")? + SUFFIX, role, tenants: tenants(row)? })
                };
                Ok((role.map(invited).transpose()?, age))
            })
        };
        let Some((Some(invited), age)) = self.database().read(NO_TENANT, read).await? else { return Ok(None) };
        if age.is_none_or(|age| age > USE_WRITTEN_MS) {
            let update = "UPDATE console_tokens SET used_ms = ?2 WHERE id = ?1";
            let write = move |transaction: &Transaction<'_>| {
                transaction.execute(update, values![id, transaction.now_ms()]).map(drop)
            };
            // Pages must be readable while the database cannot be written. The next request writes it.
            let _ = self.database().write_in_time(Origin::internal(), Scope::Rows, write).await;
        }
        Ok(Some(Session::without_secrets(invited, SignIn::Token)))
    }

    /// Returns the tokens that have not expired, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenSummary>, StoreError> {
        let read = |read: &Transaction<'_>| {
            let select = "SELECT id, who, role, tenants, created_ms, expires_ms, used_ms FROM console_tokens
                          WHERE expires_ms >= ?1 ORDER BY created_ms DESC, id";
            read.rows(select, values![read.now_ms()], |row| {
                Ok(TokenSummary {
                    id: row.named::<String>("id")?.chars().take(8).collect(),
                    who: row.named("who")?,
                    role: row.named("role")?,
                    tenants: tenants(row)?,
                    created_ms: row.named("created_ms")?,
                    expires_ms: row.named("expires_ms")?,
                    used_ms: row.named("used_ms")?,
                })
            })
        };
        self.database().read(NO_TENANT, read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_the_console_are_read() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().expect("a value"));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["bearer frontgate_A"]).as_deref(), Some("frontgate_A"));
        assert_eq!(read(&["Bearer eyJhbGciOi"]), None);
        assert_eq!(read(&["Basic frontgate_A"]), None);
        assert_eq!(read(&["Bearer frontgate_A", "Bearer frontgate_A"]), None);
    }
}
