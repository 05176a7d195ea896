//! One renewal of a token. A refresh token is claimed in the database, spent, and replaced there before the new access
//! token is used.

use std::time::Duration;

use frontgate_state::oauth_tokens::{Claim, Issued, OauthTokens};
use frontgate_telemetry::brief;
use tokio::time::{Instant, sleep};
use tracing::warn;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::endpoint::{Endpoint, TOKEN_REQUEST_TIMEOUT};
use crate::outbound::egress::Egress;

/// Time for which a claim is held. The request ends long before, so no other gateway spends the same refresh token.
const CLAIM_HOLD: Duration = Duration::from_secs(30);
/// Pause between two attempts to claim a token that another gateway is renewing.
const CLAIM_PAUSE: Duration = Duration::from_millis(100);
/// Pause between two attempts to store a refresh token.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A token, from the authorization server or from the database.
pub(super) struct Obtained {
    pub(super) access_token: Zeroizing<String>,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    pub(super) expires_in: Duration,
    pub(super) generation: i64,
}

/// Obtains a token that is newer than a generation. The error contains no secret.
pub(super) async fn renew(endpoint: &Endpoint, egress: &Egress, generation: i64) -> Result<Obtained, String> {
    let until = Instant::now() + TOKEN_REQUEST_TIMEOUT;
    let Some(configured) = endpoint.refresh_token() else {
        let tokens = endpoint.request(egress, "", until).await?;
        let (access_token, expires_in) = (tokens.access_token, tokens.expires_in);
        return Ok(Obtained { access_token, refresh_token: None, expires_in, generation: generation + 1 });
    };
    let stored = egress.network.oauth_tokens().ok_or("no database for refresh tokens")?;
    let _renewing = stored.renewing().await;
    let (client, holder) = (endpoint.stored_as(), Uuid::new_v4().to_string());
    let claimed = claim(stored, &client, generation, &holder, until).await;
    let (spent, generation) = match claimed {
        Ok(Claim::Granted { refresh_token, generation }) => (refresh_token.map(Zeroizing::new), generation),
        Ok(Claim::Renewed(token)) => {
            let (access_token, generation) = (Zeroizing::new(token.text), token.generation);
            return Ok(Obtained { access_token, refresh_token: None, expires_in: token.expires_in, generation });
        }
        Ok(Claim::Busy) => return Err("another renewal takes too long".to_owned()),
        Err(reason) => {
            release(stored, &client, &holder).await;
            return Err(reason);
        }
    };
    let tokens = match endpoint.request(egress, spent.as_deref().map_or(configured, |spent| spent), until).await {
        Ok(tokens) => tokens,
        Err(reason) => {
            release(stored, &client, &holder).await;
            return Err(reason);
        }
    };
    let next = tokens.refresh_token.or(spent);
    let issued = Issued {
        refresh_token: next.as_deref().cloned(),
        access_token: tokens.access_token.to_string(),
        expires_in: tokens.expires_in,
    };
    let generation = store(stored, &client, generation, &issued, egress).await;
    let generation = generation.ok_or("another gateway has renewed the token")?;
    Ok(Obtained { access_token: tokens.access_token, refresh_token: next, expires_in: tokens.expires_in, generation })
}

/// Claims a token. Waits for another gateway that is renewing it.
async fn claim(
    stored: &OauthTokens,
    client: &str,
    generation: i64,
    holder: &str,
    until: Instant,
) -> Result<Claim, String> {
    loop {
        let began = Instant::now();
        let claimed = stored.claim(client, generation, holder, CLAIM_HOLD).await;
        match claimed.map_err(|error| format!("failed to claim the refresh token: {error}"))? {
            Claim::Busy if began + CLAIM_PAUSE < until => sleep(CLAIM_PAUSE).await,
            claimed => return Ok(claimed),
        }
    }
}

/// Stores a refresh token, until that succeeds: the one before it may be worthless.
async fn store(stored: &OauthTokens, client: &str, generation: i64, issued: &Issued, egress: &Egress) -> Option<i64> {
    loop {
        match stored.store(client, generation, issued).await {
            Ok(generation) => return generation,
            Err(error) if egress.should_warn("token-store") => {
                let (plugin, text) = (&egress.plugin, brief(&error.to_string()));
                warn!(
                    event = "outbound.token_not_stored",
                    %plugin, "plugin `{plugin}`: failed to store a refresh token, retrying: {text}"
                );
            }
            Err(_) => {}
        }
        sleep(STORE_PAUSE).await;
    }
}

/// Ends a claim. Without success, it ends by its time.
async fn release(stored: &OauthTokens, client: &str, holder: &str) {
    let _ = stored.release(client, holder).await;
}
