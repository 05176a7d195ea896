//! Tokens of bound secrets whose refresh token the authorization server may replace at each use.
//!
//! A replaced refresh token is worthless, so it is spent once: a renewal claims the row first. Replicas share the row,
//! and with it the access token. The clock is the database's.

use std::sync::Arc;
use std::time::Duration;

use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{Database, Origin, StoreError, values};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::Buckets;

/// The tokens in a database.
#[derive(Clone)]
pub struct OauthTokens {
    database: Arc<Database>,
    /// Renewals share the lock; a shutdown takes it alone.
    renewals: Arc<RwLock<()>>,
}

/// An access token in the database.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub text: String,
    /// Remaining lifetime.
    pub expires_in: Duration,
    /// Number of renewals up to this token.
    pub generation: i64,
}

/// Result of [`OauthTokens::claim`].
pub enum Claim {
    /// The caller may renew the token.
    Granted {
        /// The refresh token to spend; `None` for that of the configuration.
        refresh_token: Option<String>,
        /// Generation of the token to be renewed.
        generation: i64,
    },
    /// The token was renewed since the caller's generation.
    Renewed(AccessToken),
    /// Another caller is renewing the token.
    Busy,
}

/// Tokens that an authorization server issued.
#[derive(Clone)]
pub struct Issued {
    /// The refresh token to spend next; `None` for that of the configuration.
    pub refresh_token: Option<String>,
    /// The access token.
    pub access_token: String,
    /// Its lifetime.
    pub expires_in: Duration,
}

impl Buckets {
    /// Returns the tokens in the database of the buckets.
    pub fn oauth_tokens(&self) -> OauthTokens {
        OauthTokens { database: Arc::clone(&self.database), renewals: Arc::default() }
    }
}

impl OauthTokens {
    /// Starts a renewal, which [`OauthTokens::drained`] waits for until the guard is dropped.
    pub async fn renewing(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.renewals).read_owned().await
    }

    /// Waits for the renewals in progress: a refresh token that was spent must be replaced. Later ones never start.
    pub async fn drained(&self) {
        std::mem::forget(Arc::clone(&self.renewals).write_owned().await);
    }

    /// Claims the renewal of a client's token, unless its generation is above `seen` and it has not expired.
    ///
    /// `holder` is a random text for this renewal. The claim ends with [`OauthTokens::store`] or
    /// [`OauthTokens::release`], or after `hold`.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written in time.
    pub async fn claim(&self, client: &str, seen: i64, holder: &str, hold: Duration) -> Result<Claim, StoreError> {
        let (client, holder) = (client.to_owned(), holder.to_owned());
        let claim = move |transaction: &Transaction<'_>| claim(transaction, &client, seen, &holder, hold);
        self.database.write_in_time(Origin::internal(), Scope::Rows, claim).await
    }

    /// Stores the result of a renewal of a generation, and ends its claim. Returns the new generation; `None` if another
    /// renewal was stored first, because the claim had ended.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written in time.
    pub async fn store(&self, client: &str, generation: i64, issued: &Issued) -> Result<Option<i64>, StoreError> {
        let (client, issued) = (client.to_owned(), issued.clone());
        let store = move |transaction: &Transaction<'_>| store(transaction, &client, generation, &issued);
        self.database.write_in_time(Origin::internal(), Scope::Rows, store).await
    }

    /// Ends a claim without a result.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written in time.
    pub async fn release(&self, client: &str, holder: &str) -> Result<(), StoreError> {
        let (client, holder) = (client.to_owned(), holder.to_owned());
        let release = move |transaction: &Transaction<'_>| {
            let update = "UPDATE oauth_tokens SET holder = NULL, held_until_ms = 0 WHERE client = ?1 AND holder = ?2";
            transaction.execute(update, values![client, holder]).map(drop)
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, release).await
    }
}

fn claim(transaction: &Transaction<'_>, client: &str, seen: i64, holder: &str, hold: Duration) -> sql::Result<Claim> {
    let now = transaction.now_ms();
    let until = after(now, hold);
    let insert = "INSERT INTO oauth_tokens AS known (client, holder, held_until_ms) VALUES (?1, ?2, ?3)
                  ON CONFLICT (client) DO UPDATE SET holder = excluded.holder, held_until_ms = excluded.held_until_ms
                  WHERE (known.held_until_ms <= ?4 OR known.holder = excluded.holder)
                    AND (known.access_token IS NULL OR known.generation <= ?5 OR known.expires_ms <= ?4)";
    let is_granted = transaction.execute(insert, values![client, holder, until, now, seen])? == 1;
    let select = "SELECT refresh_token, access_token, expires_ms, generation FROM oauth_tokens WHERE client = ?1";
    let read = |row: &Row<'_>| {
        let (generation, expires_ms) = (row.get(3)?, row.get::<i64>(2)?);
        if is_granted {
            return Ok(Claim::Granted { refresh_token: row.get(0)?, generation });
        }
        Ok(match row.get::<Option<String>>(1)? {
            Some(text) if generation > seen && expires_ms > now => {
                let left = u64::try_from(expires_ms - now).unwrap_or_default();
                Claim::Renewed(AccessToken { text, expires_in: Duration::from_millis(left), generation })
            }
            _ => Claim::Busy,
        })
    };
    transaction.one(select, values![client], read)
}

fn store(transaction: &Transaction<'_>, client: &str, generation: i64, issued: &Issued) -> sql::Result<Option<i64>> {
    let Issued { refresh_token, access_token, expires_in } = issued;
    let expires_ms = after(transaction.now_ms(), *expires_in);
    let update = "UPDATE oauth_tokens
                  SET refresh_token = ?3, access_token = ?4, expires_ms = ?5, generation = generation + 1,
                    holder = NULL, held_until_ms = 0
                  WHERE client = ?1 AND generation = ?2";
    transaction.execute(update, values![client, generation, refresh_token, access_token, expires_ms])?;
    // An earlier run of this write may have succeeded, so the row decides.
    let select = "SELECT generation FROM oauth_tokens WHERE client = ?1 AND access_token = ?2";
    transaction.row(select, values![client, access_token], |row| row.get(0))
}

fn after(now: i64, time: Duration) -> i64 {
    now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use frontgate_store::Settings;

    use super::*;

    const HOLD: Duration = Duration::from_secs(60);

    fn tokens(folder: &tempfile::TempDir) -> OauthTokens {
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let database = Database::open(&Settings { url, ..Settings::default() }).expect("a database");
        Buckets::new(&Arc::new(database)).oauth_tokens()
    }

    fn issued(number: u32, expires_in: Duration) -> Issued {
        let refresh_token = Some(format!("refresh-{number}"));
        Issued { refresh_token, access_token: format!("access-{number}"), expires_in }
    }

    /// Describes a claim.
    async fn claim(tokens: &OauthTokens, seen: i64, holder: &str) -> String {
        match tokens.claim("client", seen, holder, HOLD).await.expect("a claim") {
            Claim::Granted { refresh_token, generation } => format!("granted {refresh_token:?} {generation}"),
            Claim::Renewed(token) => format!("renewed {} {}", token.text, token.generation),
            Claim::Busy => "busy".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_renewals() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        let renewing = tokens.renewing().await;
        let shutdown = tokio::spawn({
            let tokens = tokens.clone();
            async move { tokens.drained().await }
        });
        tokio::task::yield_now().await;
        assert!(!shutdown.is_finished());
        drop(renewing);
        shutdown.await.expect("no panic");
    }

    #[tokio::test]
    async fn one_of_two_claims_is_granted() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        assert_eq!(claim(&tokens, 0, "a").await, "granted None 0");
        assert_eq!(claim(&tokens, 0, "b").await, "busy");
        assert_eq!(claim(&tokens, 0, "a").await, "granted None 0", "a write may run twice");
    }

    #[tokio::test]
    async fn a_released_claim_can_be_granted_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        claim(&tokens, 0, "a").await;
        tokens.release("client", "a").await.expect("a release");
        assert_eq!(claim(&tokens, 0, "b").await, "granted None 0");
    }

    #[tokio::test]
    async fn a_claim_ends_after_its_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        tokens.claim("client", 0, "a", Duration::ZERO).await.expect("a claim");
        assert_eq!(claim(&tokens, 0, "b").await, "granted None 0");
    }

    #[tokio::test]
    async fn a_stored_token_is_found_by_callers_that_have_not_seen_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        claim(&tokens, 0, "a").await;
        assert_eq!(tokens.store("client", 0, &issued(1, HOLD)).await.expect("a write"), Some(1));
        assert_eq!(claim(&tokens, 0, "b").await, "renewed access-1 1");
        assert_eq!(claim(&tokens, 1, "b").await, "granted Some(\"refresh-1\") 1");
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        claim(&tokens, 0, "a").await;
        tokens.store("client", 0, &issued(1, Duration::ZERO)).await.expect("a write");
        assert_eq!(claim(&tokens, 0, "b").await, "granted Some(\"refresh-1\") 1");
    }

    #[tokio::test]
    async fn a_late_result_is_discarded() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = tokens(&folder);
        claim(&tokens, 0, "a").await;
        tokens.store("client", 0, &issued(1, HOLD)).await.expect("a write");
        assert_eq!(tokens.store("client", 0, &issued(1, HOLD)).await.expect("a write"), Some(1), "written twice");
        assert_eq!(tokens.store("client", 0, &issued(2, HOLD)).await.expect("a write"), None);
        assert_eq!(claim(&tokens, 0, "b").await, "renewed access-1 1");
    }
}
