//! Handlers execute one attempt of a delivery; each kind has its own module.

mod action;
mod call_event;
mod call_log;
mod channel;
mod event;
mod import;
mod message;
mod naming;
mod participant;
mod routing;
mod status;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_recorder::Recorder;
use frontgate_replicas::Part;
use frontgate_runtime::{CallError, Deadlines};
use frontgate_tenants::Tenant;
use frontgate_tenants::{PluginInvoker, Plugins};
use frontgate_twilio_callbacks::conversations;
use frontgate_twilio_callbacks::conversations::Event;
use frontgate_twilio_callbacks::error::DecodeError;
use frontgate_twilio_callbacks::voice;
use frontgate_twilio_rest::{ApiError, ConversationsApi, FailureClass, Repeatable, classify};
use tokio_util::sync::CancellationToken;

use super::front_client::FrontClient;
use super::job::{Delivery, Kind, Outcome};
use super::provider_event::is_call;
use super::rate_limit::TenantRateLimit;
use super::retry_policy::CRASHES_MAX;
use super::store::{Store, StoreError};

/// Dependencies of the handlers of one tenant.
pub(super) struct DeliveryContext {
    pub(super) tenant: Arc<Tenant>,
    pub(super) plugins: Arc<Plugins>,
    pub(super) store: Arc<Store>,
    /// Client of Twilio's API; `None` without credentials.
    pub(super) rest: Option<ConversationsApi>,
    pub(super) rate_limit: Arc<TenantRateLimit>,
    pub(super) recorder: Arc<Recorder>,
    /// Clients of the tenant's Front apps, by name.
    pub(super) fronts: HashMap<String, Arc<FrontClient>>,
    pub(super) limits: crate::Settings,
    pub(super) stop: CancellationToken,
}

/// The reason why a handler ends early.
pub(super) enum Stop {
    /// The outcome of the attempt.
    Settle(Outcome),
    /// The decision could not be stored, so nothing was sent.
    Unwritten(StoreError),
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Settle(outcome)
    }
}

impl DeliveryContext {
    /// Executes one attempt of a delivery.
    ///
    /// # Errors
    ///
    /// Fails if a decision could not be stored; nothing was sent then.
    pub(super) async fn execute(&self, delivery: &Delivery) -> Result<Outcome, StoreError> {
        let executed = match delivery.kind {
            Kind::Routing => self.route(delivery, &delivery.form()).await,
            Kind::Conversations => match conversations::decode(&delivery.form(), &self.tenant.numbers) {
                Ok(Event::ParticipantAdded(event)) => self.participant_added(delivery, event).await,
                Ok(Event::Other(event)) => {
                    let unnamed = conversations::begins_unnamed(&delivery.form());
                    self.event(delivery, event, unnamed).await
                }
                Ok(Event::ConversationAdd(_) | Event::Pre(_)) => Ok(done()),
                Err(error) => Err(undecodable(&error).into()),
            },
            Kind::Action => self.action(delivery).await,
            Kind::Call => self.event(delivery, voice::event(&delivery.form()), false).await,
            Kind::CallLog => self.call_log(delivery).await,
            Kind::Message => self.message(delivery).await,
            Kind::Import if is_call(&delivery.name) => self.call_event(delivery).await,
            Kind::Import => self.import(delivery).await,
            Kind::Status => self.status(delivery).await,
            Kind::Disconnect => self.disconnect(delivery).await,
        };
        match executed {
            // This attempt got no answer about the earlier request, so the outcome stays unknown.
            Err(Stop::Settle(Outcome::Retry { reason, after, .. })) if delivery.unknown && delivery.kind.is_front() => {
                Ok(Outcome::Unknown { reason, asked: false, after })
            }
            Ok(outcome) | Err(Stop::Settle(outcome)) => Ok(outcome),
            Err(Stop::Unwritten(error)) => Err(error),
        }
    }

    fn asking(&self, delivery: &Delivery) -> PluginInvoker {
        let deadlines = Deadlines::within(Duration::from_millis(self.limits.plugin_timeout_ms));
        self.plugins.invoker(&self.tenant, &delivery.request, deadlines, delivery.calls.clone())
    }

    /// Returns the client of Twilio's API, or a retry if no credentials are configured.
    fn account(&self) -> Result<&ConversationsApi, Stop> {
        let reason = "no Twilio credentials configured; add api_key and api_secret, or account_sid";
        self.rest.as_ref().ok_or_else(|| retry(reason, false).into())
    }

    /// Waits for the rate limit and returns the client of Twilio's API.
    async fn turn(&self, delivery: &Delivery) -> Result<&ConversationsApi, Stop> {
        let rest = self.account()?;
        tokio::select! {
            () = self.rate_limit.turn_in(&delivery.conversation) => {}
            () = self.stop.cancelled() => return Err(retry("the gateway is shutting down", false).into()),
        }
        self.check_lease(delivery)?;
        Ok(rest)
    }

    /// Fails if another replica could have taken over the delivery already. Called right before a request is sent.
    fn check_lease(&self, delivery: &Delivery) -> Result<(), Stop> {
        if self.store.replica().may_act(delivery.replica) { Ok(()) } else { Err(retry(SILENT, false).into()) }
    }

    /// Stores a decision before its request is sent; returns whether the lease is still valid.
    async fn plan(&self, delivery: &Delivery, plan: &str) -> Result<bool, Stop> {
        let effect = self.effect(delivery.kind);
        self.store.plan(&self.tenant.name, delivery, plan, effect).await.map_err(Stop::Unwritten)
    }

    /// Returns the longest time for which a request about a delivery may be on its way.
    pub(super) fn effect(&self, kind: Kind) -> Duration {
        let request =
            Duration::from_millis(self.limits.request_timeout_ms.saturating_add(self.limits.connect_timeout_ms));
        let plugin = Duration::from_millis(self.limits.plugin_timeout_ms);
        let files = self.fronts.values().map(|front| front.app.files_timeout).max().unwrap_or_default();
        match kind {
            Kind::Routing | Kind::Conversations | Kind::Action | Kind::Call | Kind::CallLog => request,
            Kind::Message => plugin.max(files),
            Kind::Import | Kind::Status | Kind::Disconnect => request.max(files),
        }
    }

    /// Returns the outcome of a failed call to Twilio; `None` if an earlier call has succeeded.
    fn react(&self, failure: &ApiError, repeatable: Repeatable) -> Option<Outcome> {
        match classify(failure, repeatable) {
            FailureClass::AlreadyDone => None,
            FailureClass::Retry { after, account_wide, reason } => {
                let [first, longest] = [self.limits.retry_first_ms, self.limits.retry_longest_ms];
                let after = after.map(|after| after.min(Duration::from_millis(longest)));
                if account_wide {
                    let pause = after.unwrap_or_default().max(Duration::from_millis(first));
                    self.rate_limit.pause(pause);
                    self.store.replica().note_pause(&self.tenant.name, Part::Twilio, None, pause);
                }
                Some(Outcome::Retry { after, reason, waits_for_plugin: false })
            }
            FailureClass::Uncertain(reason) => Some(Outcome::Unknown { reason, asked: false, after: None }),
            FailureClass::Permanent(reason) => Some(Outcome::Failed { reason }),
        }
    }

    /// Returns the outcome of a failed call to Twilio that can be repeated.
    fn repeat(&self, failure: &ApiError) -> Outcome {
        self.react(failure, Repeatable::Yes).unwrap_or_else(done)
    }
}

/// The reason of a retry because this gateway was silent for too long.
pub(super) const SILENT: &str = "this gateway could not reach the database; another one may have taken over";

fn done() -> Outcome {
    Outcome::Sent { result: None }
}

fn retry(reason: impl Into<String>, waits_for_plugin: bool) -> Outcome {
    Outcome::Retry { after: None, reason: reason.into(), waits_for_plugin }
}

/// Returns an outcome for a worker that lost its lease; `settle` discards the outcome.
fn lease_lost() -> Outcome {
    retry("lease lost", false)
}

/// Returns a retry for a failed read of the store.
fn unread(error: StoreError) -> Stop {
    retry(format!("failed to read the store: {error}"), false).into()
}

fn undecodable(error: &DecodeError) -> Outcome {
    Outcome::Failed { reason: error.to_string() }
}

fn failed(error: &CallError) -> Outcome {
    Outcome::Failed { reason: sentence(error) }
}

/// Returns the outcome of a failed plugin call: a retry, unless the failure is permanent.
fn unanswered(error: &CallError, role: Role, delivery: &Delivery) -> Outcome {
    match error {
        CallError::Trap { .. } if delivery.attempts >= CRASHES_MAX => {
            let reason = format!("plugin of role {role} crashed {CRASHES_MAX} times: {}", sentence(error));
            Outcome::Failed { reason }
        }
        CallError::NotFound | CallError::Forbidden(_) | CallError::Invalid(_) => {
            Outcome::Failed { reason: format!("plugin of role {role} rejected the delivery: {}", sentence(error)) }
        }
        _ => retry(format!("call of role {role} failed: {}", sentence(error)), true),
    }
}

/// Returns the error, followed by the plugin's own text in shortened form.
pub(crate) fn sentence(error: &CallError) -> String {
    match error.detail() {
        Some(detail) => format!("{error}: {}", frontgate_telemetry::brief(&detail)),
        None => error.to_string(),
    }
}
