//! Access tokens of a bound secret: obtained when first needed, renewed before they expire, and once after a 401.
//!
//! One renewal at a time serves all waiting requests, and continues if they give up. A refresh token is claimed in the
//! database first, so that no other gateway spends it too.
//!
//! Modules in reading order: `token_request` is the form and its answer, `assertion` the signed token of `jwt-bearer`,
//! `endpoint` sends the form, `renewal` is one renewal.

mod assertion;
mod endpoint;
mod renewal;
mod token_request;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use frontgate_net::confidential;
use frontgate_telemetry::brief;
use hyper::header::HeaderValue;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use zeroize::Zeroizing;

use self::endpoint::Endpoint;
use self::renewal::Obtained;
use super::egress::Egress;
use super::failure::Failure;
use crate::settings::outbound::{BoundSecret, Marked, RECOGNISED_MIN};

/// Time before its expiry at which a token is renewed, at most a part of its lifetime.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
const RENEWAL_PART: u32 = 4;

/// Pauses after failed renewals: the first one, doubled up to the last one.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LONGEST: Duration = Duration::from_secs(60);

/// Minimum interval between two renewals because of a 401, at most a part of the lifetime. A server that rejects new
/// tokens, too, has another reason.
const REJECTION_INTERVAL: Duration = Duration::from_secs(10);

/// Number of the last access and refresh tokens that responses must not contain.
const RECENT_MAX: usize = 8;

/// The access token of one bound secret.
pub(super) struct TokenSource {
    bound: BoundSecret,
    endpoint: Endpoint,
    state: Mutex<State>,
}

/// An access token. Has no `Debug`, so that it is never logged.
pub(super) struct Token {
    /// The value of the header.
    pub(super) value: HeaderValue,
    /// Number of renewals up to this token.
    pub(super) generation: i64,
    expires: Instant,
    renewed_from: Instant,
    rejection_interval: Duration,
}

#[derive(Default)]
struct State {
    /// The last token, unless the server rejected it.
    current: Option<Arc<Token>>,
    /// Generation of the last token.
    generation: i64,
    /// The renewal in progress; cancelled when it ends.
    renewal: Option<CancellationToken>,
    failed: Option<Failed>,
    /// Time of the last 401 that caused a renewal.
    rejected: Option<Instant>,
    /// Tokens that responses must not contain, oldest first.
    recent: VecDeque<Zeroizing<String>>,
    /// Number of tokens that were added to `recent`.
    added: u64,
}

/// A failed renewal.
struct Failed {
    reason: String,
    /// Time of the next attempt.
    until: Instant,
    pause: Duration,
}

impl TokenSource {
    /// Creates a source for a bound secret with `oauth`, which was validated with the configuration.
    pub(super) fn new(bound: &BoundSecret) -> Option<Arc<Self>> {
        let endpoint = Endpoint::new(bound.oauth.as_ref()?);
        Some(Arc::new(Self { bound: bound.clone(), endpoint, state: Mutex::default() }))
    }

    /// Returns a valid token. Starts a renewal, or waits for the one in progress, if needed.
    pub(super) async fn token(self: &Arc<Self>, egress: &Arc<Egress>, until: Instant) -> Result<Arc<Token>, Failure> {
        let renewal = {
            let mut state = self.state.lock();
            let now = Instant::now();
            let valid = state.current.clone().filter(|token| token.expires > now);
            if let Some(token) = &valid
                && token.renewed_from > now
            {
                return Ok(Arc::clone(token));
            }
            let running = state.renewal.clone().filter(|renewal| !renewal.is_cancelled());
            let paused = state.failed.as_ref().filter(|failed| failed.until > now);
            let renewal = match (running, paused) {
                (Some(renewal), _) => renewal,
                (None, Some(failed)) => return valid.ok_or_else(|| self.failure(&failed.reason)),
                (None, None) => {
                    let renewal = CancellationToken::new();
                    state.renewal = Some(renewal.clone());
                    let (source, egress, ended) = (Arc::clone(self), Arc::clone(egress), renewal.clone().drop_guard());
                    let generation = state.generation;
                    // Continues if this call is cancelled: other calls wait for it, too.
                    tokio::spawn(async move {
                        let renewed = renewal::renew(&source.endpoint, &egress, generation).await;
                        source.end(&egress, renewed);
                        drop(ended);
                    });
                    renewal
                }
            };
            if let Some(token) = valid {
                return Ok(token);
            }
            renewal
        };
        if timeout_at(until, renewal.cancelled()).await.is_err() {
            return Err(self.failure("no answer in time"));
        }
        let state = self.state.lock();
        let valid = state.current.clone().filter(|token| token.expires > Instant::now());
        let reason = state.failed.as_ref().map_or("the renewal was interrupted", |failed| &failed.reason);
        valid.ok_or_else(|| self.failure(reason))
    }

    /// Notes that a server answered 401 to a request with a token. Returns whether to repeat the request with another
    /// one.
    pub(super) fn reject(&self, generation: i64) -> bool {
        let mut state = self.state.lock();
        let Some(token) = state.current.as_ref().filter(|token| token.generation == generation) else {
            return true;
        };
        if state.rejected.is_some_and(|since| since.elapsed() < token.rejection_interval) {
            return false;
        }
        state.rejected = Some(Instant::now());
        state.current = None;
        true
    }

    /// Returns the number of tokens so far, which changes with [`TokenSource::confidential`].
    pub(super) fn added(&self) -> u64 {
        self.state.lock().added
    }

    /// Returns the texts that a response must not contain.
    pub(super) fn confidential(&self) -> Vec<Marked> {
        let state = self.state.lock();
        let texts = state.recent.iter().flat_map(|token| self.bound.confidential_token(token));
        texts.collect()
    }

    fn end(&self, egress: &Egress, renewed: Result<Obtained, String>) {
        let mut state = self.state.lock();
        let renewed = renewed.and_then(|obtained| Ok((self.token_of(&obtained)?, obtained)));
        match renewed {
            Ok((token, obtained)) => {
                let lifetime = obtained.expires_in.as_secs();
                for text in [Some(obtained.access_token), obtained.refresh_token].into_iter().flatten() {
                    state.recent.push_back(text);
                    state.added += 1;
                }
                while state.recent.len() > RECENT_MAX {
                    state.recent.pop_front();
                }
                state.generation = token.generation;
                (state.current, state.failed) = (Some(Arc::new(token)), None);
                let (plugin, from) = (&egress.plugin, &self.endpoint.to);
                debug!(%plugin, "token for plugin `{plugin}` from {from}, valid for {lifetime} s");
            }
            Err(reason) => {
                let pause = state.failed.as_ref().map_or(PAUSE_FIRST, |failed| (failed.pause * 2).min(PAUSE_LONGEST));
                if egress.should_warn("token") {
                    let (plugin, text) = (&egress.plugin, brief(&self.failure(&reason).to_string()));
                    warn!(event = "outbound.token_failed", %plugin, "plugin `{plugin}`: {text}");
                }
                state.failed = Some(Failed { reason, until: Instant::now() + pause, pause });
            }
        }
    }

    fn token_of(&self, obtained: &Obtained) -> Result<Token, String> {
        let letters = obtained.access_token.bytes().filter(u8::is_ascii_alphanumeric).count();
        if letters < RECOGNISED_MIN {
            return Err(format!("the access token has fewer than {RECOGNISED_MIN} letters and digits"));
        }
        let value = self.bound.render(&obtained.access_token).ok().and_then(confidential);
        let value = value.ok_or("the access token has a character that headers cannot contain")?;
        let now = Instant::now();
        let (part, expires) = (obtained.expires_in / RENEWAL_PART, now + obtained.expires_in);
        Ok(Token {
            value,
            generation: obtained.generation,
            expires,
            renewed_from: expires - RENEWAL_MARGIN.min(part),
            rejection_interval: REJECTION_INTERVAL.min(part),
        })
    }

    fn failure(&self, reason: &str) -> Failure {
        Failure::Token(format!("failed to get an access token from {}: {reason}", self.endpoint.to))
    }
}

#[cfg(test)]
mod tests;
