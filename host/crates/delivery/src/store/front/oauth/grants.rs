//! Grants: what a person allowed Front, from the code on.

use std::time::Duration;

use frontgate_front::oauth::{AuthorizationRequest, Introspected, Kind, Token};
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{Origin, values};
use zeroize::Zeroizing;

use super::exchange::after;
use super::{AppKey, sealed};
use crate::store::{Store, StoreError};

/// Time for which a revoked grant is kept, so that the reuse of its tokens is noticed.
const REVOKED_KEEP: Duration = Duration::from_secs(86_400);
/// Rows that one write deletes.
const ROWS_MAX: u32 = 500;
/// Milliseconds in a second.
const SECOND_MS: i64 = 1_000;

/// A grant with its code, which was not sent yet.
pub struct NewGrant {
    id: String,
    account: [String; 3],
    redirect_uri: String,
    is_redirect_uri_named: bool,
    challenge: Option<String>,
    code_digest: Vec<u8>,
    code_credential: Vec<u8>,
    lifetime: Duration,
}

impl NewGrant {
    /// Creates a grant of a code for an authorization request. `account` is the provider's id, the name and the address of an account; the code and
    /// its tokens open the `credential`.
    pub fn new(
        app: &AppKey,
        code: &Token,
        account: [String; 3],
        credential: &str,
        request: &AuthorizationRequest,
        lifetime: Duration,
    ) -> Self {
        let id = code.grant();
        Self {
            code_credential: seal(app, code, &id, credential),
            code_digest: code.digest(),
            id,
            account,
            redirect_uri: request.redirect_uri.clone(),
            is_redirect_uri_named: request.is_redirect_uri_named,
            challenge: request.challenge.as_ref().map(|challenge| challenge.text().to_owned()),
            lifetime,
        }
    }
}

/// A row, as far as tokens are checked against it.
pub(super) struct Grant {
    pub(super) redirect_uri: String,
    pub(super) is_redirect_uri_named: bool,
    pub(super) challenge: Option<String>,
    pub(super) code: Issued,
    pub(super) issued_ms: i64,
    pub(super) access: Issued,
    pub(super) earlier_access: Issued,
    pub(super) refresh: Issued,
    pub(super) earlier_refresh_digest: Option<Vec<u8>>,
    pub(super) earlier_refresh_answer: Option<Vec<u8>>,
    pub(super) ended_ms: Option<i64>,
    account: [String; 3],
}

/// The stored part of a token.
pub(super) struct Issued {
    pub(super) digest: Option<Vec<u8>>,
    pub(super) credential: Option<Vec<u8>>,
    pub(super) expires_ms: i64,
}

impl Issued {
    /// Returns whether a token is this one, and valid.
    pub(super) fn is(&self, token: &Token, now: i64) -> bool {
        token.is(self.digest.as_deref()) && self.expires_ms > now
    }
}

impl Grant {
    /// Returns the row of a token, if it belongs to the app and its client.
    pub(super) fn find(read: &Transaction<'_>, app: &AppKey, id: &str) -> sql::Result<Option<Self>> {
        let select = "SELECT redirect_uri, challenge, code_digest, code_credential, code_expires_ms, issued_ms,
                        access_digest, access_credential, access_expires_ms,
                        earlier_access_digest, earlier_access_credential, earlier_access_expires_ms,
                        refresh_digest, refresh_credential, refresh_expires_ms,
                        earlier_refresh_digest, earlier_refresh_answer, ended_ms,
                        account_id, account_name, account_address, is_redirect_uri_named
                      FROM front_grants WHERE id = ?1 AND tenant = ?2 AND app = ?3 AND client = ?4";
        let issued = |row: &Row<'_>, at: usize| {
            Ok::<_, sql::Error>(Issued {
                digest: row.get(at)?,
                credential: row.get(at + 1)?,
                expires_ms: row.get(at + 2)?,
            })
        };
        read.row(select, values![id, app.tenant, app.app, app.client], |row| {
            Ok(Self {
                redirect_uri: row.get(0)?,
                challenge: row.get(1)?,
                code: issued(row, 2)?,
                issued_ms: row.get(5)?,
                access: issued(row, 6)?,
                earlier_access: issued(row, 9)?,
                refresh: issued(row, 12)?,
                earlier_refresh_digest: row.get(15)?,
                earlier_refresh_answer: row.get(16)?,
                ended_ms: row.get(17)?,
                account: [row.get(18)?, row.get(19)?, row.get(20)?],
                is_redirect_uri_named: row.get(21)?,
            })
        })
    }

    /// Returns the stored part of a token that is valid now. Codes are only for the exchange.
    fn valid(&self, token: &Token, now: i64) -> Option<&Issued> {
        let candidates = match token.kind() {
            Kind::Code => return None,
            Kind::Access => [Some(&self.access), Some(&self.earlier_access)],
            Kind::Refresh => [Some(&self.refresh), None],
        };
        let found = candidates.into_iter().flatten().find(|issued| issued.is(token, now));
        found.filter(|_| self.ended_ms.is_none())
    }
}

impl Store {
    /// Returns what is known of a token that is valid for this client.
    pub async fn introspect(&self, app: &AppKey, token: Token) -> Result<Option<Introspected>, StoreError> {
        let owner = app.clone();
        self.database
            .read(&app.tenant, move |read| {
                let Some(grant) = Grant::find(read, &owner, &token.grant())? else { return Ok(None) };
                let expires = grant.valid(&token, read.now_ms()).map(|issued| issued.expires_ms);
                let Some(expires) = expires else { return Ok(None) };
                let seconds = |ms: i64| (ms / SECOND_MS).unsigned_abs();
                let [account_id, account_name, account_address] = grant.account;
                Ok(Some(Introspected {
                    client: owner.client.clone(),
                    account_id,
                    account_name,
                    account_address,
                    issued: seconds(grant.issued_ms),
                    expires: seconds(expires),
                    is_access: token.kind() == Kind::Access,
                }))
            })
            .await
    }

    /// Returns the provider's credential for a valid access token.
    pub async fn granted_credential(
        &self,
        app: &AppKey,
        token: Token,
    ) -> Result<Option<Zeroizing<String>>, StoreError> {
        if token.kind() != Kind::Access {
            return Ok(None);
        }
        let owner = app.clone();
        self.database
            .read(&app.tenant, move |read| {
                let id = token.grant();
                let Some(grant) = Grant::find(read, &owner, &id)? else { return Ok(None) };
                let sealed = grant.valid(&token, read.now_ms()).and_then(|issued| issued.credential.as_deref());
                Ok(sealed.and_then(|sealed| open(&owner, &token, &id, sealed)))
            })
            .await
    }

    /// Revokes a token: with a refresh token, its grant and all tokens of it. Unknown tokens are ignored.
    pub async fn revoke(&self, app: &AppKey, token: Token) -> Result<(), StoreError> {
        let app = app.clone();
        self.database
            .write_in_time(Origin::event(app.tenant.as_str(), 0), Scope::Rows, move |transaction| {
                let id = token.grant();
                let Some(grant) = Grant::find(transaction, &app, &id)? else { return Ok(()) };
                let digest = token.digest();
                match token.kind() {
                    Kind::Refresh if token.is(grant.refresh.digest.as_deref()) => end(transaction, &id),
                    Kind::Refresh if token.is(grant.earlier_refresh_digest.as_deref()) => end(transaction, &id),
                    Kind::Access => {
                        for which in ["", "earlier_"] {
                            let update = format!(
                                "UPDATE front_grants SET {which}access_digest = NULL, {which}access_credential = NULL
                                 WHERE id = ?1 AND {which}access_digest = ?2"
                            );
                            transaction.execute(&update, values![id, digest])?;
                        }
                        Ok(())
                    }
                    Kind::Code | Kind::Refresh => Ok(()),
                }
            })
            .await
    }
}

/// Revokes a grant and everything that was issued for it. The digests stay, so that a reuse is noticed.
pub(super) fn end(transaction: &Transaction<'_>, id: &str) -> sql::Result<()> {
    let now = transaction.now_ms();
    let update = "UPDATE front_grants
                  SET ended_ms = ?2, keep_until_ms = ?3, code_credential = NULL, access_credential = NULL,
                    earlier_access_credential = NULL, refresh_credential = NULL, earlier_refresh_answer = NULL
                  WHERE id = ?1 AND ended_ms IS NULL";
    transaction.execute(update, values![id, now, after(now, REVOKED_KEEP)]).map(drop)
}

pub(super) fn insert(transaction: &Transaction<'_>, app: &AppKey, grant: &NewGrant) -> sql::Result<()> {
    let now = transaction.now_ms();
    let until = after(now, grant.lifetime);
    let [account_id, account_name, account_address] = &grant.account;
    let insert = "INSERT INTO front_grants (id, tenant, app, client, account_id, account_name, account_address,
                    redirect_uri, challenge, code_digest, code_credential, code_expires_ms, created_ms, keep_until_ms,
                    is_redirect_uri_named)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?12, ?14)";
    let values = values![
        grant.id,
        app.tenant,
        app.app,
        app.client,
        account_id,
        account_name,
        account_address,
        grant.redirect_uri,
        grant.challenge,
        grant.code_digest,
        grant.code_credential,
        until,
        now,
        grant.is_redirect_uri_named
    ];
    transaction.execute(insert, values).map(drop)
}

pub(super) fn exists(transaction: &Transaction<'_>, grant: &NewGrant) -> sql::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM front_grants WHERE id = ?1 AND code_digest = ?2)";
    transaction.value(select, values![grant.id, grant.code_digest])
}

/// Encrypts a credential for the bearer of a token.
pub(super) fn seal(app: &AppKey, token: &Token, id: &str, credential: &str) -> Vec<u8> {
    sealed::seal(&token.key(), &context(app, id), credential.as_bytes())
}

/// Decrypts a credential. Returns `None` if the row was changed.
pub(super) fn open(app: &AppKey, token: &Token, id: &str, sealed: &[u8]) -> Option<Zeroizing<String>> {
    let bytes = sealed::open(&token.key(), &context(app, id), sealed)?;
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn context(app: &AppKey, id: &str) -> String {
    format!("grant {} {} {id}", app.tenant, app.app)
}

/// Deletes grants whose tokens have expired; returns whether more may be left.
pub(crate) fn prune(transaction: &Transaction<'_>) -> sql::Result<bool> {
    let delete = "DELETE FROM front_grants WHERE id IN (
                    SELECT id FROM front_grants WHERE keep_until_ms <= ?1 LIMIT ?2)
                  AND keep_until_ms <= ?1";
    Ok(transaction.execute(delete, values![transaction.now_ms(), ROWS_MAX])? == ROWS_MAX as usize)
}
