//! Sessions of people, in the database, so that a restart and other gateways know them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use frontgate_audit::{Actor, NewAction};
use frontgate_store::sql::{Row, Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError, values};
use serde::Serialize;

use crate::links::{Invited, LinkError, Links};
use crate::roles::{Right, Role};
use crate::secret;
use crate::settings::Settings;

/// Maximum number of sessions of all people. Beyond it, the one that was used longest ago ends.
const SESSIONS_MAX: i64 = 1_000;

/// Time after which the last use of a session is written again.
const USE_WRITTEN_MS: i64 = 60_000;

/// Maximum length of a person's name, in characters.
const WHO_CHARS_MAX: usize = 100;

/// Login links and sessions.
pub struct Access {
    database: Arc<Database>,
    settings: ArcSwap<Settings>,
    links: Links,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Digest of the cookie.
    id: String,
    /// Digest of the proof.
    proof: String,
    /// Name of the person.
    pub who: String,
    /// Their role.
    pub role: Role,
    /// Names of the tenants that they see; `None` for all.
    pub tenants: Option<Vec<String>>,
}

/// A session in a list, without its secrets.
#[derive(Debug, Clone, Serialize)]
pub struct SessionSummary {
    /// First digits of the session's id, which `frontgate console sessions --end` takes.
    pub id: String,
    /// Name of the person.
    pub who: String,
    /// Their role.
    pub role: String,
    /// Names of the tenants that they see; `None` for all.
    pub tenants: Option<Vec<String>>,
    /// Time of the sign-in, in milliseconds since 1970.
    pub created_ms: i64,
    /// Time of the last use, to a minute, in milliseconds since 1970.
    pub used_ms: i64,
}

/// The secrets of a new session.
#[derive(Debug, Clone)]
pub struct Entered {
    /// For the cookie.
    pub cookie: String,
    /// For the storage of the page.
    pub proof: String,
}

impl Session {
    /// Returns the session of a command on the gateway's machine, which sees everything.
    pub fn of_command() -> Self {
        let who = Actor::of_command().who;
        Self { id: String::new(), proof: String::new(), who, role: Role::Operator, tenants: None }
    }

    /// Returns whether the person has a right.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// Returns whether the person sees a tenant.
    pub fn sees(&self, tenant: &str) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.iter().any(|known| known == tenant))
    }

    /// Returns whether a proof belongs to the session.
    pub fn is_proved_by(&self, proof: &str) -> bool {
        secret::digest(proof) == self.proof
    }

    /// Returns the person for the record of actions.
    pub fn actor(&self) -> Actor {
        Actor { who: self.who.clone(), role: self.role.name() }
    }
}

impl Access {
    /// Creates the access to the console of a gateway.
    pub fn new(database: &Arc<Database>, settings: &Arc<Settings>) -> Self {
        Self { database: Arc::clone(database), settings: ArcSwap::new(Arc::clone(settings)), links: Links::default() }
    }

    /// Replaces the settings.
    pub fn configure(&self, settings: &Arc<Settings>) {
        self.settings.store(Arc::clone(settings));
    }

    /// Returns the settings.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Creates a login link for a person, and returns its code.
    pub fn invite(&self, who: &str, role: Role, tenants: Option<Vec<String>>) -> String {
        let who = who.chars().filter(|other| !other.is_control()).take(WHO_CHARS_MAX).collect();
        self.links.create(Invited { who, role, tenants })
    }

    /// Uses the code of a link, and begins a session.
    ///
    /// # Errors
    ///
    /// Fails if the code is not known or too old, or if the session cannot be stored.
    pub async fn enter(&self, code: &str) -> Result<Result<Entered, LinkError>, StoreError> {
        let invited = match self.links.take(code, Duration::from_millis(self.settings().link_ms)) {
            Ok(invited) => invited,
            Err(error) => return Ok(Err(error)),
        };
        let entered = Entered { cookie: secret::random(), proof: secret::random() };
        let (id, proof) = (secret::digest(&entered.cookie), secret::digest(&entered.proof));
        let (idle, longest) = self.limits();
        let write = move |transaction: &Transaction<'_>| {
            let now = transaction.now_ms();
            let Invited { who, role, tenants } = &invited;
            let delete = "DELETE FROM console_sessions WHERE used_ms < ?1 OR created_ms < ?2";
            transaction.execute(delete, values![now.saturating_sub(idle), now.saturating_sub(longest)])?;
            let delete = "DELETE FROM console_sessions WHERE id IN (
                            SELECT id FROM console_sessions ORDER BY used_ms DESC LIMIT 1000000 OFFSET ?1)";
            transaction.execute(delete, values![SESSIONS_MAX - 1])?;
            let insert = "INSERT INTO console_sessions (id, proof, who, role, tenants, created_ms, used_ms)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
            let tenants = tenants.as_ref().map(|names| serde_json::to_string(names).expect("a list of texts"));
            transaction.execute(insert, values![id, proof, who, role.name(), tenants, now])?;
            let actor = Actor { who: who.clone(), role: role.name() };
            frontgate_audit::append(transaction, &NewAction::new(&actor, "sign in", "console"))?;
            Ok(())
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await?;
        Ok(Ok(entered))
    }

    /// Returns the session of a cookie's secret, if it has not ended.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        let id = secret::digest(cookie);
        let (idle, longest) = self.limits();
        let wanted = id.clone();
        let read = move |read: &Transaction<'_>| {
            let now = read.now_ms();
            let select = "SELECT id, proof, who, role, tenants, created_ms, used_ms FROM console_sessions
                          WHERE id = ?1 AND used_ms >= ?2 AND created_ms >= ?3";
            let values = values![wanted, now.saturating_sub(idle), now.saturating_sub(longest)];
            read.row(select, values, |row| Ok((session(row)?, now - row.named::<i64>("used_ms")?)))
        };
        let Some((Some(session), age)) = self.database.read(NO_TENANT, read).await? else { return Ok(None) };
        if age > USE_WRITTEN_MS {
            let update = "UPDATE console_sessions SET used_ms = ?2 WHERE id = ?1";
            let write = move |transaction: &Transaction<'_>| {
                transaction.execute(update, values![id, transaction.now_ms()]).map(drop)
            };
            // Pages must be readable while the database cannot be written. The next request writes it.
            let _ = self.database.write_in_time(Origin::internal(), Scope::Rows, write).await;
        }
        Ok(Some(session))
    }

    /// Ends a person's own session.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn leave(&self, session: &Session) -> Result<(), StoreError> {
        let (id, actor) = (session.id.clone(), session.actor());
        let write = move |transaction: &Transaction<'_>| {
            transaction.execute("DELETE FROM console_sessions WHERE id = ?1", values![id])?;
            frontgate_audit::append(transaction, &NewAction::new(&actor, "sign out", "console")).map(drop)
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await
    }

    /// Ends the sessions whose ids begin with `prefix`, and returns their number.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn end(&self, actor: &Actor, prefix: &str) -> Result<usize, StoreError> {
        let (prefix, actor) = (prefix.to_owned(), actor.clone());
        let write = move |transaction: &Transaction<'_>| {
            let delete = "DELETE FROM console_sessions WHERE substr(id, 1, length(?1)) = ?1 RETURNING who";
            let ended = transaction.rows(delete, values![prefix], |row| row.get::<String>(0))?;
            for who in &ended {
                let object = format!("session of {who}");
                frontgate_audit::append(transaction, &NewAction::new(&actor, "end session", &object))?;
            }
            Ok(ended.len())
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await
    }

    /// Returns the sessions that have not ended, the last used first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn sessions(&self) -> Result<Vec<SessionSummary>, StoreError> {
        let (idle, longest) = self.limits();
        let read = move |read: &Transaction<'_>| {
            let now = read.now_ms();
            let select = "SELECT id, who, role, tenants, created_ms, used_ms FROM console_sessions
                          WHERE used_ms >= ?1 AND created_ms >= ?2 ORDER BY used_ms DESC";
            read.rows(select, values![now.saturating_sub(idle), now.saturating_sub(longest)], |row| {
                Ok(SessionSummary {
                    id: row.named::<String>("id")?.chars().take(8).collect(),
                    who: row.named("who")?,
                    role: row.named("role")?,
                    tenants: tenants(row)?,
                    created_ms: row.named("created_ms")?,
                    used_ms: row.named("used_ms")?,
                })
            })
        };
        self.database.read(NO_TENANT, read).await
    }

    fn limits(&self) -> (i64, i64) {
        let settings = self.settings();
        let ms = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        (ms(settings.session_idle_ms), ms(settings.session_max_ms))
    }
}

fn tenants(row: &Row<'_>) -> frontgate_store::sql::Result<Option<Vec<String>>> {
    let names: Option<String> = row.named("tenants")?;
    // A list that cannot be read allows no tenant.
    Ok(names.map(|names| serde_json::from_str(&names).unwrap_or_default()))
}

/// Returns the session of a row, or `None` if its role is not known.
fn session(row: &Row<'_>) -> frontgate_store::sql::Result<Option<Session>> {
    let Some(role) = Role::named(&row.named::<String>("role")?) else { return Ok(None) };
    Ok(Some(Session {
        id: row.named("id")?,
        proof: row.named("proof")?,
        who: row.named("who")?,
        role,
        tenants: tenants(row)?,
    }))
}
