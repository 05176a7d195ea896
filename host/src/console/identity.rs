//! Finds the session of a request: by cookie, by the proxy in front of the console, or by a script's token.

use frontgate_console_access::proxy::{self, Identity};
use frontgate_console_access::{Session, SignIn, request, tokens};
use frontgate_telemetry::REFUSALS;
use hyper::HeaderMap;
use tracing::warn;

use super::Console;
use super::answers::Refusal;

/// Log lines per second about rejected names.
const LINES_PER_SECOND_MAX: u32 = 1;

impl Console {
    /// Returns the person that the proxy names, with a role; `None` for a request that did not pass the proxy.
    pub(super) fn identity(&self, headers: &HeaderMap) -> Result<Option<Identity>, Refusal> {
        let identity = match proxy::identity(headers, &self.sources.access.settings()) {
            Ok(identity) => identity,
            Err(rejection) => {
                if REFUSALS.admit(LINES_PER_SECOND_MAX) {
                    warn!(event = "console.identity_rejected", "request to the console rejected: {}", rejection.text());
                }
                return Err(Refusal::Identity(rejection));
            }
        };
        match identity {
            Some(Identity { who, role: None, .. }) => Err(Refusal::NoRole(who)),
            identity => Ok(identity),
        }
    }

    /// Returns the session of a request.
    pub(super) async fn session(&self, headers: &HeaderMap, identity: Option<&Identity>) -> Result<Session, Refusal> {
        let access = &self.sources.access;
        if let Some(token) = tokens::bearer(headers) {
            return access.token_session(token).await?.ok_or(Refusal::EndedToken);
        }
        let session = match request::cookie(headers) {
            Some(cookie) => access.session(&cookie).await?,
            None => None,
        };
        let Some(identity) = identity else {
            // A session that began through the proxy works through the proxy only: it may have signed the person out.
            return session.filter(|session| session.sign_in != SignIn::Proxy).ok_or(Refusal::SignedOut);
        };
        let Some(session) = session else { return Err(Refusal::NotEntered(identity.who.clone())) };
        if let Some(confirmed) = session.clone().confirmed_by(identity) {
            return Ok(confirmed);
        }
        access.end_replaced(&session).await?;
        Err(Refusal::NotEntered(identity.who.clone()))
    }
}
