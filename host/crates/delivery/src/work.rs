//! How each kind of delivery is made.

mod channel;
mod event;
mod import;
mod message;
mod participant;
mod routing;
mod status;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_runtime::error::CallError;
use frontgate_runtime::run::call::{Deadlines, Receipts};
use frontgate_tenants::{PluginInvoker, Plugins, Tenant};
use frontgate_twilio_callbacks::conversations;
use frontgate_twilio_callbacks::conversations::Event;
use frontgate_twilio_callbacks::error::DecodeError;
use frontgate_twilio_rest::{ApiError, ConversationsApi, FailureClass, Repeatable, classify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::front::Front;
use super::job::{Delivery, Kind, Settlement};
use super::store::{Store, StoreError};
use super::verdict::CRASHES_MAX;

/// What one tenant's deliveries are made with.
pub(super) struct Workshop {
    pub(super) tenant: Arc<Tenant>,
    pub(super) plugins: Arc<Plugins>,
    pub(super) store: Arc<Store>,
    /// None without credentials.
    pub(super) rest: Option<ConversationsApi>,
    pub(super) budget: Budget,
    /// Its Front apps, by name.
    pub(super) fronts: HashMap<String, Arc<Front>>,
    pub(super) limits: crate::Settings,
    pub(super) stop: CancellationToken,
}

/// Why a delivery stops short.
pub(super) enum Stop {
    /// With this to be written down.
    Settle(Settlement),
    /// What was decided could not be written down.
    Unwritten(StoreError),
}

impl From<Settlement> for Stop {
    fn from(settlement: Settlement) -> Self {
        Self::Settle(settlement)
    }
}

impl Workshop {
    /// Makes one delivery, as far as it comes.
    pub(super) async fn make(&self, delivery: &Delivery) -> Result<Settlement, StoreError> {
        let made = match delivery.kind {
            Kind::Routing => self.route(delivery, &delivery.form()).await,
            Kind::Conversations => match conversations::decode(&delivery.form(), &self.tenant.numbers) {
                Ok(Event::ParticipantAdded(event)) => self.participant_added(delivery, event).await,
                Ok(Event::Other(event)) => self.event(delivery, event).await,
                Ok(Event::ConversationAdd(_) | Event::MessageAdd(_)) => Ok(done()),
                Err(error) => Err(undecodable(&error).into()),
            },
            Kind::Message => self.message(delivery).await,
            Kind::Import => self.import(delivery).await,
            Kind::Status => self.status(delivery).await,
            Kind::Disconnect => self.disconnect(delivery).await,
        };
        // What stops short of asking leaves open what became of it before.
        let made = match made {
            Err(Stop::Settle(Settlement::Again { reason, after, .. }))
                if delivery.unknown && delivery.kind.is_front() =>
            {
                return Ok(Settlement::Unknown { reason, asked: false, after });
            }
            made => made,
        };
        match made {
            Ok(settlement) | Err(Stop::Settle(settlement)) => Ok(settlement),
            Err(Stop::Unwritten(error)) => Err(error),
        }
    }

    fn asking(&self, delivery: &Delivery) -> PluginInvoker {
        let until = Instant::now() + Duration::from_millis(self.limits.plugin_timeout_ms);
        let deadlines = Deadlines { queue: until, answer: until };
        self.plugins.invoker(&self.tenant, &delivery.request, deadlines, Receipts::default())
    }

    /// The account; without credentials nothing needs to be decided yet.
    fn account(&self) -> Result<&ConversationsApi, Stop> {
        let reason = "there are no credentials for calls back to Twilio; add api_key and api_secret, or account_sid";
        self.rest.as_ref().ok_or_else(|| again(reason, false).into())
    }

    /// The account, when it is this request's turn.
    async fn turn(&self) -> Result<&ConversationsApi, Stop> {
        let rest = self.account()?;
        tokio::select! {
            () = self.budget.turn() => Ok(rest),
            () = self.stop.cancelled() => Err(again("the gateway is shutting down", false).into()),
        }
    }

    /// What to write down about a call that did not simply succeed; nothing if it was done before.
    fn react(&self, failure: &ApiError, repeatable: Repeatable) -> Option<Settlement> {
        match classify(failure, repeatable) {
            FailureClass::AlreadyDone => None,
            FailureClass::Retry { after, account_wide, reason } => {
                let [first, longest] = [self.limits.retry_first_ms, self.limits.retry_longest_ms];
                let after = after.map(|after| after.min(Duration::from_millis(longest)));
                if account_wide {
                    self.budget.pause(after.unwrap_or_default().max(Duration::from_millis(first)));
                }
                Some(Settlement::Again { after, reason, waits_for_plugin: false })
            }
            FailureClass::Uncertain(reason) => Some(Settlement::Unknown { reason, asked: false, after: None }),
            FailureClass::Permanent(reason) => Some(Settlement::Failed { reason }),
        }
    }
}

fn done() -> Settlement {
    Settlement::Sent { result: None }
}

fn again(reason: impl Into<String>, waits_for_plugin: bool) -> Settlement {
    Settlement::Again { after: None, reason: reason.into(), waits_for_plugin }
}

/// Something could not be read: it can be in a moment.
fn unread(error: StoreError) -> Stop {
    again(format!("the store: {error}"), false).into()
}

fn undecodable(error: &DecodeError) -> Settlement {
    Settlement::Failed { reason: error.to_string() }
}

fn failed(error: &CallError) -> Settlement {
    Settlement::Failed { reason: sentence(error) }
}

/// What to write down when a plugin did not answer: most of it passes.
fn unanswered(error: &CallError, role: Role, delivery: &Delivery) -> Settlement {
    match error {
        CallError::Trap { .. } if delivery.attempts >= CRASHES_MAX => {
            Settlement::Failed { reason: format!("the role {role} crashed {CRASHES_MAX} times: {}", sentence(error)) }
        }
        CallError::NotFound | CallError::Forbidden(_) | CallError::Invalid(_) => {
            Settlement::Failed { reason: format!("the role {role} refused: {}", sentence(error)) }
        }
        _ => again(format!("the role {role} did not answer: {}", sentence(error)), true),
    }
}

fn sentence(error: &CallError) -> String {
    match error.detail() {
        Some(detail) => format!("{error}: {}", frontgate_telemetry::brief(&detail)),
        None => error.to_string(),
    }
}
