//! Sessions of people, in the database, so that a restart and other gateways know them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use frontgate_audit::{Actor, NewAction};
use frontgate_store::sql::{Row, Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError, values};
use serde::Serialize;

use crate::links::{Invited, LinkError, Links};
use crate::proxy::Identity;
use crate::roles::{Right, Role};
use crate::secret;
use crate::settings::Settings;

/// Maximum number of sessions of all people. Beyond it, the one that was used longest ago ends.
const SESSIONS_MAX: i64 = 1_000;

/// Time after which the last use of a session is written again.
pub(crate) const USE_WRITTEN_MS: i64 = 60_000;

/// Maximum length of a person's name, in characters.
const WHO_CHARS_MAX: usize = 100;

/// Login links and sessions.
pub struct Access {
    database: Arc<Database>,
    settings: ArcSwap<Settings>,
    links: Links,
}

/// How a person signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// By a login link, or by a command on the gateway's machine.
    Link,
    /// By the proxy in front of the console.
    Proxy,
    /// A script, by a token.
    Token,
}

impl SignIn {
    fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Proxy => "proxy",
            Self::Token => "token",
        }
    }
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
    /// How they signed in.
    pub sign_in: SignIn,
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
        Self::without_secrets(Invited { who, role: Role::Operator, tenants: None }, SignIn::Link)
    }

    /// Returns a session that no cookie names and no proof belongs to.
    pub(crate) fn without_secrets(Invited { who, role, tenants }: Invited, sign_in: SignIn) -> Self {
        Self { id: String::new(), proof: String::new(), who, role, tenants, sign_in }
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

    /// Returns the session with what the proxy says about its person now; `None` if it is the session of another person,
    /// or was not begun through the proxy.
    pub fn confirmed_by(self, identity: &Identity) -> Option<Self> {
        let role = identity.role.filter(|_| self.sign_in == SignIn::Proxy && self.who == identity.who)?;
        Some(Self { role, tenants: identity.tenants.clone(), ..self })
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

    /// Creates a login link for a person, and returns its code. `actor` is who asked for it.
    ///
    /// # Errors
    ///
    /// Fails if the action cannot be recorded.
    pub async fn invite(
        &self,
        actor: &Actor,
        who: &str,
        role: Role,
        tenants: Option<Vec<String>>,
    ) -> Result<String, StoreError> {
        let (who, actor) = (valid_name(who), actor.clone());
        let object = format!("login link of {who}, role {role}");
        let record = move |transaction: &Transaction<'_>| {
            frontgate_audit::append(transaction, &NewAction::new(&actor, "create link", &object)).map(drop)
        };
        self.database().write_in_time(Origin::internal(), Scope::Rows, record).await?;
        Ok(self.links.create(Invited { who, role, tenants }))
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
        self.begin(invited, SignIn::Link).await.map(Ok)
    }

    /// Begins a session of a person of the proxy; `None` if they have no role.
    ///
    /// # Errors
    ///
    /// Fails if the session cannot be stored.
    pub async fn enter_by_proxy(&self, identity: &Identity) -> Result<Option<Entered>, StoreError> {
        let Identity { who, role: Some(role), tenants } = identity.clone() else { return Ok(None) };
        self.begin(Invited { who, role, tenants }, SignIn::Proxy).await.map(Some)
    }

    async fn begin(&self, invited: Invited, sign_in: SignIn) -> Result<Entered, StoreError> {
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
            let insert = "INSERT INTO console_sessions (id, proof, who, role, tenants, created_ms, used_ms, origin)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)";
            let tenants = tenants_text(tenants.as_ref());
            transaction.execute(insert, values![id, proof, who, role.name(), tenants, now, sign_in.name()])?;
            let actor = Actor { who: who.clone(), role: role.name() };
            frontgate_audit::append(transaction, &NewAction::new(&actor, "sign in", "console"))?;
            Ok(())
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await?;
        Ok(entered)
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
            let select = "SELECT id, proof, who, role, tenants, origin, used_ms FROM console_sessions
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
        self.end_own(session, "sign out").await
    }

    /// Ends a session because the proxy names another person.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn end_replaced(&self, session: &Session) -> Result<(), StoreError> {
        self.end_own(session, "end replaced session").await
    }

    async fn end_own(&self, session: &Session, action: &'static str) -> Result<(), StoreError> {
        let (id, actor) = (session.id.clone(), session.actor());
        let write = move |transaction: &Transaction<'_>| {
            transaction.execute("DELETE FROM console_sessions WHERE id = ?1", values![id])?;
            frontgate_audit::append(transaction, &NewAction::new(&actor, action, "console")).map(drop)
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await
    }

    /// Ends the sessions and tokens whose ids begin with `prefix`, and returns their number.
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
            let delete = "DELETE FROM console_tokens WHERE substr(id, 1, length(?1)) = ?1 RETURNING who";
            let tokens = transaction.rows(delete, values![prefix], |row| row.get::<String>(0))?;
            for who in &tokens {
                let object = format!("token of {who}");
                frontgate_audit::append(transaction, &NewAction::new(&actor, "end token", &object))?;
            }
            Ok(ended.len() + tokens.len())
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

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    fn limits(&self) -> (i64, i64) {
        let settings = self.settings();
        let ms = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        (ms(settings.session_idle_ms), ms(settings.session_max_ms))
    }
}

/// Returns a name without characters that could forge another line, of limited length.
pub(crate) fn valid_name(who: &str) -> String {
    who.chars().filter(|other| !other.is_control()).take(WHO_CHARS_MAX).collect()
}

/// Returns names of tenants as they are stored.
pub(crate) fn tenants_text(names: Option<&Vec<String>>) -> Option<String> {
    names.map(|names| serde_json::to_string(names).expect("a list of texts"))
}

pub(crate) fn tenants(row: &Row<'_>) -> frontgate_store::sql::Result<Option<Vec<String>>> {
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
        sign_in: if row.named::<String>("origin")? == "proxy" { SignIn::Proxy } else { SignIn::Link },
    }))
}
