//! Certificates from an ACME server (RFC 8555): obtained at the first start, and renewed when the server suggests it.
//!
//! - [`challenges`](self::challenges) proves control of the host, over TLS (RFC 8737) or HTTP.
//! - [`state`](self::state) keeps account and certificate on disk, so that a restart orders nothing.
//! - [`renewal`](self::renewal) decides when a certificate is renewed.
//!
//! A failure changes nothing that is served. Attempts are repeated with growing delays, because servers limit orders.

mod challenges;
mod http;
mod renewal;
pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use frontgate_telemetry::brief;
use frontgate_telemetry::metrics::{METRICS, labels};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{info, warn};

pub use self::challenges::Challenges;
use self::http::Http;
use self::renewal::{Due, Renewal};
pub(crate) use self::state::State;
use crate::certificate::Certificate;
use crate::certificates::Current;
use crate::settings::AcmeSettings;

/// Time within which a server checks challenges, and issues a certificate.
const RETRIES: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));
/// Longest delay after failed attempts.
const DELAY_MAX: Duration = Duration::from_secs(6 * 3_600);
/// Longest delay that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);

/// The client of an ACME server for one host.
#[derive(Debug)]
pub(crate) struct Acme {
    settings: AcmeSettings,
    host: String,
    state: Arc<State>,
    challenges: Arc<Challenges>,
    current: Arc<Current>,
}

impl Acme {
    pub(crate) fn new(settings: &AcmeSettings, host: &str, state: State, current: &Arc<Current>) -> Self {
        Self {
            settings: settings.clone(),
            host: host.to_owned(),
            state: Arc::new(state),
            challenges: Arc::clone(current.challenges()),
            current: Arc::clone(current),
        }
    }

    /// Obtains and renews the certificate. Never returns.
    pub(crate) async fn run(&self) {
        let first = Duration::from_millis(self.settings.retry_ms);
        let (mut delay, mut renewal) = (first, Renewal::default());
        loop {
            let http = Http::new(&self.settings.ca_files);
            let replaced = self.current.certificate();
            let due = renewal.due(&replaced, &self.host, self.state.obtained_ago());
            let due = match due {
                Due::Later(time) => {
                    sleep(time.min(renewal.check_in())).await;
                    renewal.ask(&replaced, || self.account(&http)).await;
                    continue;
                }
                Due::Now => self.obtain(&http, &replaced).await,
            };
            let outcome = if due.is_ok() { "done" } else { "failed" };
            METRICS.acme_orders.get_or_create(&labels::Outcome { outcome }).inc();
            match due {
                Ok(()) => (delay, renewal) = (first, Renewal::default()),
                Err(error) => {
                    let wait = http.retry_after().map_or(delay, |asked| delay.max(asked.min(RETRY_AFTER_MAX)));
                    let error = brief(&format!("{error:#}"));
                    warn!(
                        event = "tls.acme_failed",
                        retry_in_seconds = wait.as_secs(),
                        "failed to obtain a certificate for {} from {}, retrying: {error}",
                        self.host,
                        self.settings.directory
                    );
                    sleep(wait).await;
                    delay = (delay * 2).min(DELAY_MAX);
                }
            }
        }
    }

    /// Obtains a certificate, stores it, and uses it from the next handshake on.
    async fn obtain(&self, http: &Http, replaced: &Certificate) -> anyhow::Result<()> {
        // Before anything is ordered: a certificate that cannot be stored is ordered again by each restart.
        let state = Arc::clone(&self.state);
        spawn_blocking(move || state.check_space()).await?.context("failed to store a certificate")?;
        let account = self.account(http).await?;
        let names = [Identifier::Dns(self.host.clone())];
        let mut order = self.order(&account, &names, replaced).await?;
        let proved = self.prove(&mut order).await;
        self.challenges.clear();
        proved?;
        let key = order.finalize().await.context("failed to finalize the order")?;
        let chain = order.poll_certificate(&RETRIES).await.context("failed to download the certificate")?;
        let text = format!("{key}{chain}");
        let new = Certificate::from_pem(text.as_bytes()).context("failed to use the certificate")?;
        if !new.covers(&self.host) {
            bail!("the server issued a certificate for another host");
        }
        let state = Arc::clone(&self.state);
        let stored = spawn_blocking(move || state.store_certificate(text.as_bytes())).await?;
        let expires_in_days = new.expires_in_seconds() / 86_400;
        self.current.replace(new);
        info!(
            event = "tls.certificate_obtained",
            expires_in_days, "certificate of {} is in use from now on", self.host
        );
        if let Err(error) = stored {
            // It is used in any case; only a restart would order again.
            warn!(event = "tls.certificate_not_stored", "failed to store the certificate of {}: {error:#}", self.host);
        }
        Ok(())
    }

    /// Restores the account from disk, or creates one.
    async fn account(&self, http: &Http) -> anyhow::Result<Account> {
        let builder = || Account::builder_with_http(Box::new(http.clone()));
        let state = Arc::clone(&self.state);
        if let Some(stored) = spawn_blocking(move || state.account()).await?.context("failed to read the account")? {
            return builder().from_credentials(stored).await.context("failed to restore the account");
        }
        let contact = self.settings.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.settings.terms_agreed,
            only_return_existing: false,
        };
        let created = builder().create(&account, self.settings.directory.clone(), None).await;
        let (account, credentials) = created.context("failed to create an account")?;
        let state = Arc::clone(&self.state);
        spawn_blocking(move || state.store_account(&credentials)).await?.context("failed to store the account")?;
        Ok(account)
    }

    /// Orders a certificate that replaces another one, if the server knows it.
    async fn order(&self, account: &Account, names: &[Identifier], old: &Certificate) -> anyhow::Result<Order> {
        if let Some(id) = renewal::identifier(old) {
            match account.new_order(&NewOrder::new(names).replaces(id)).await {
                Ok(order) => return Ok(order),
                Err(Error::Api(problem)) if is_rate_limit(problem.r#type.as_deref()) => {
                    return Err(Error::Api(problem)).context("failed to order");
                }
                // Without renewal information, or after the certificate was replaced.
                Err(_) => {}
            }
        }
        account.new_order(&NewOrder::new(names)).await.context("failed to order")
    }

    /// Proves control of the host.
    async fn prove(&self, order: &mut Order) -> anyhow::Result<()> {
        let kind = match self.settings.http_listen {
            Some(_) => ChallengeType::Http01,
            None => ChallengeType::TlsAlpn01,
        };
        let mut all = order.authorizations();
        while let Some(authorization) = all.next().await {
            let mut authorization = authorization.context("failed to read an authorization")?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => bail!("an authorization has the state {status:?}"),
            }
            let challenge = authorization.challenge(kind.clone());
            let mut challenge = challenge.with_context(|| format!("the server offers no challenge {kind:?}"))?;
            let proof = challenge.key_authorization();
            match kind {
                ChallengeType::Http01 => self.challenges.answer_http(&challenge.token, proof.as_str()),
                _ => self.challenges.answer_tls(&self.host, proof.digest().as_ref())?,
            }
            challenge.set_ready().await.context("failed to begin the challenge")?;
        }
        match order.poll_ready(&RETRIES).await.context("failed to complete the challenge")? {
            OrderStatus::Ready => Ok(()),
            status => {
                bail!("challenge failed: order has the state {status:?}; the server must reach this host at its port")
            }
        }
    }
}

fn is_rate_limit(kind: Option<&str>) -> bool {
    kind == Some("urn:ietf:params:acme:error:rateLimited")
}
