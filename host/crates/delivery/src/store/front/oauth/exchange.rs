//! The exchange of a code or a refresh token for new tokens.
//!
//! Each is spent once. A second use of a code, and a late second use of a refresh token, revoke everything that was issued
//! for the grant (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).

use std::time::Duration;

use frontgate_front::oauth::{Challenge, Kind, Token};
use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, values};
use zeroize::Zeroizing;

use super::grants::{self, Grant};
use super::{AppKey, random};
use crate::store::{Store, StoreError};

/// Time in which a repeated refresh gets the same answer again, for a client that lost it.
const REFRESH_GRACE_MS: i64 = 60_000;

/// Lifetimes of tokens.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Of an access token.
    pub access: Duration,
    /// Of a refresh token.
    pub refresh: Duration,
}

/// The result of an exchange.
pub enum Exchange {
    /// The tokens.
    Issued(IssuedTokens),
    /// The code or token is not valid for this request.
    Refused(&'static str),
    /// The code or token was used before, and the grant is revoked now.
    Reused(&'static str),
}

/// New tokens. Has no `Debug`, so that they are never logged.
pub struct IssuedTokens {
    /// The access token.
    pub access: Zeroizing<String>,
    /// The refresh token.
    pub refresh: Zeroizing<String>,
    /// Remaining lifetime of the access token.
    pub expires_in: Duration,
}

/// The tokens that an exchange issues.
struct Next {
    access: Token,
    refresh: Token,
    lifetimes: Lifetimes,
}

impl Next {
    fn of(spent: &Token, lifetimes: Lifetimes) -> Self {
        let [access, refresh] = [Kind::Access, Kind::Refresh].map(|kind| spent.next(kind, random()));
        Self { access, refresh, lifetimes }
    }

    fn issued(&self) -> Exchange {
        let (access, refresh) = (self.access.text(), self.refresh.text());
        Exchange::Issued(IssuedTokens { access, refresh, expires_in: self.lifetimes.access })
    }
}

impl Store {
    /// Exchanges a code, which must have been issued for this client, address and challenge. The address can be missing if
    /// the authorization request did not name it.
    pub async fn exchange_code(
        &self,
        app: &AppKey,
        code: Token,
        redirect_uri: Option<String>,
        verifier: Option<String>,
        lifetimes: Lifetimes,
    ) -> Result<Exchange, StoreError> {
        let (app, next) = (app.clone(), Next::of(&code, lifetimes));
        self.database
            .write_in_time(Origin::event(app.tenant.as_str(), 0), Scope::Rows, move |transaction| {
                exchange_code(transaction, &app, &code, redirect_uri.as_deref(), verifier.as_deref(), &next)
            })
            .await
    }

    /// Exchanges a refresh token.
    pub async fn refresh(&self, app: &AppKey, token: Token, lifetimes: Lifetimes) -> Result<Exchange, StoreError> {
        let (app, next) = (app.clone(), Next::of(&token, lifetimes));
        self.database
            .write_in_time(Origin::event(app.tenant.as_str(), 0), Scope::Rows, move |transaction| {
                refresh(transaction, &app, &token, &next)
            })
            .await
    }
}

fn exchange_code(
    transaction: &Transaction<'_>,
    app: &AppKey,
    code: &Token,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
    next: &Next,
) -> sql::Result<Exchange> {
    const INVALID: Exchange = Exchange::Refused("code is invalid or expired");
    let (id, now) = (code.grant(), transaction.now_ms());
    let Some(grant) = Grant::find(transaction, app, &id)? else { return Ok(INVALID) };
    if !code.is(grant.code.digest.as_deref()) {
        return Ok(INVALID);
    }
    if grant.issued_ms != 0 {
        if next.access.is(grant.access.digest.as_deref()) {
            // An earlier run of this write succeeded.
            return Ok(next.issued());
        }
        grants::end(transaction, &id)?;
        return Ok(Exchange::Reused("code was used before"));
    }
    if grant.code.expires_ms <= now {
        return Ok(INVALID);
    }
    let is_named = redirect_uri.is_some() || grant.is_redirect_uri_named;
    if is_named && redirect_uri != Some(&grant.redirect_uri) {
        return Ok(Exchange::Refused("redirect_uri is not that of the authorization request"));
    }
    let challenge = grant.challenge.as_deref().and_then(Challenge::read);
    match (challenge, verifier) {
        (None, None) => {}
        (None, Some(_)) => return Ok(Exchange::Refused("code_verifier without a code_challenge")),
        (Some(_), None) => return Ok(Exchange::Refused("code_verifier is missing")),
        (Some(challenge), Some(verifier)) if !challenge.is_met_by(verifier) => {
            return Ok(Exchange::Refused("code_verifier is wrong"));
        }
        (Some(_), Some(_)) => {}
    }
    let sealed = grant.code.credential.as_deref();
    let Some(credential) = sealed.and_then(|sealed| grants::open(app, code, &id, sealed)) else { return Ok(INVALID) };
    issue(transaction, app, &id, &credential, next, &grant, None)
}

fn refresh(transaction: &Transaction<'_>, app: &AppKey, token: &Token, next: &Next) -> sql::Result<Exchange> {
    const INVALID: Exchange = Exchange::Refused("refresh token is invalid or expired");
    let (id, now) = (token.grant(), transaction.now_ms());
    let Some(grant) = Grant::find(transaction, app, &id)?.filter(|grant| grant.ended_ms.is_none()) else {
        return Ok(INVALID);
    };
    if token.is(grant.refresh.digest.as_deref()) {
        if grant.refresh.expires_ms <= now {
            return Ok(INVALID);
        }
        let sealed = grant.refresh.credential.as_deref();
        let credential = sealed.and_then(|sealed| grants::open(app, token, &id, sealed));
        let Some(credential) = credential else { return Ok(INVALID) };
        return issue(transaction, app, &id, &credential, next, &grant, Some(token));
    }
    let is_recent = token.is(grant.earlier_refresh_digest.as_deref()) && grant.issued_ms + REFRESH_GRACE_MS > now;
    let sealed = grant.earlier_refresh_answer.as_deref().filter(|_| is_recent);
    if let Some(answer) = sealed.and_then(|sealed| grants::open(app, token, &id, sealed))
        && let Some((access, refresh)) = answer.split_once(' ')
    {
        let left = u64::try_from(grant.access.expires_ms - now).unwrap_or_default();
        let [access, refresh] = [access, refresh].map(|text| Zeroizing::new(text.to_owned()));
        return Ok(Exchange::Issued(IssuedTokens { access, refresh, expires_in: Duration::from_millis(left) }));
    }
    // Only a bearer of one of its tokens knows the grant's id, so this is an earlier token, or an invented one of a bearer.
    grants::end(transaction, &id)?;
    Ok(Exchange::Reused("refresh token was used before"))
}

/// Stores new tokens. `spent` is the refresh token that they replace; without it, they replace the code.
fn issue(
    transaction: &Transaction<'_>,
    app: &AppKey,
    id: &str,
    credential: &str,
    next: &Next,
    grant: &Grant,
    spent: Option<&Token>,
) -> sql::Result<Exchange> {
    let now = transaction.now_ms();
    let [access, refresh] = [&next.access, &next.refresh];
    let [access_until, refresh_until] = [next.lifetimes.access, next.lifetimes.refresh].map(|time| after(now, time));
    let answer = spent.map(|spent| {
        let answer = Zeroizing::new(format!("{} {}", *access.text(), *refresh.text()));
        grants::seal(app, spent, id, &answer)
    });
    let update = "UPDATE front_grants
                  SET code_credential = NULL, issued_ms = ?2,
                    earlier_access_digest = access_digest, earlier_access_credential = access_credential,
                    earlier_access_expires_ms = access_expires_ms,
                    access_digest = ?3, access_credential = ?4, access_expires_ms = ?5,
                    earlier_refresh_digest = ?6, earlier_refresh_answer = ?7,
                    refresh_digest = ?8, refresh_credential = ?9, refresh_expires_ms = ?10, keep_until_ms = ?10
                  WHERE id = ?1 AND issued_ms = ?11 AND ended_ms IS NULL
                    AND refresh_digest IS NOT DISTINCT FROM ?6";
    let values = values![
        id,
        now,
        access.digest(),
        grants::seal(app, access, id, credential),
        access_until,
        spent.map(Token::digest),
        answer,
        refresh.digest(),
        grants::seal(app, refresh, id, credential),
        refresh_until,
        grant.issued_ms
    ];
    if transaction.execute(update, values)? == 0 {
        // Another request has spent it a moment ago; the next run of this write sees that.
        return Err(sql::Error::Conflict);
    }
    Ok(next.issued())
}

/// Returns a time after another one, in milliseconds.
pub(super) fn after(now: i64, time: Duration) -> i64 {
    now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
