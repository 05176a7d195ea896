//! Handler of routings: assigns a worker to a conversation.
//!
//! The decision is made once and stored before Twilio is called. If the outcome of an earlier call is unknown, Twilio
//! is asked first whether the worker is in the conversation.

use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::routing::Assignment;
use frontgate_runtime::CallError;
use frontgate_store::crash;
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::routing;
use frontgate_twilio_callbacks::routing::Inbound;
use frontgate_twilio_rest::{ApiError, Repeatable};
use hyper::StatusCode;

use super::{DeliveryContext, Stop, lease_lost, retry, sentence, undecodable};
use crate::job::{Delivery, Outcome};

impl DeliveryContext {
    pub(super) async fn route(&self, delivery: &Delivery, form: &Form<'_>) -> Result<Outcome, Stop> {
        let inbound = routing::decode(form, &self.tenant.numbers).map_err(|error| undecodable(&error))?;
        self.account().map_err(|stop| if delivery.unknown { still_unknown(stop) } else { stop })?;
        if delivery.unknown
            && let Some(sent) = self.find_worker(delivery, &inbound).await?
        {
            return Ok(sent);
        }
        let projected = self.projected(delivery, &inbound).await?;
        let worker = match &delivery.plan {
            Some(worker) => worker.clone(),
            None => self.decide(delivery, &inbound).await?,
        };
        crash::point("before-send");
        let conversation = &inbound.conversation.conversation_sid;
        let added = self.turn(delivery).await?.add_worker(conversation, &worker, projected.as_deref()).await;
        crash::point("after-send");
        match added {
            Ok(participant) => Ok(Outcome::Sent { result: Some(participant.sid) }),
            // `None` means that a participant with this identity exists: the worker is already in the conversation.
            Err(failure) => Ok(self.react(&failure, Repeatable::No).unwrap_or(Outcome::Sent { result: None })),
        }
    }

    /// Chooses the worker and stores the decision.
    async fn decide(&self, delivery: &Delivery, inbound: &Inbound) -> Result<String, Stop> {
        let chosen = match self.ask_chain(delivery, inbound).await? {
            Some(Assignment::Worker(worker)) => worker,
            Some(Assignment::OneOf(list)) => {
                let effect = self.effect(delivery.kind);
                let planned = self.store.plan_round_robin(&self.tenant.name, delivery, list, effect).await;
                let planned = planned.map_err(Stop::Unwritten)?;
                crash::point("planned");
                return planned.ok_or_else(|| lease_lost().into());
            }
            None => match &self.tenant.default_worker {
                Some(worker) => worker.clone(),
                None => {
                    let reason = "no plugin named a worker, and [tenants.NAME.twilio] has no default_worker";
                    return Err(retry(reason, true).into());
                }
            },
        };
        let held = self.plan(delivery, &chosen).await?;
        crash::point("planned");
        if held { Ok(chosen) } else { Err(lease_lost().into()) }
    }

    /// Asks the routing plugins in order; the first that names a worker decides.
    ///
    /// A plugin that fails is retried for `delivery.routing_patience_ms` before the next one is asked.
    async fn ask_chain(&self, delivery: &Delivery, inbound: &Inbound) -> Result<Option<Assignment>, Stop> {
        let patient = delivery.tried() < Duration::from_millis(self.limits.routing_patience_ms);
        for plugin in self.asking(delivery).candidates(Role::Routing) {
            // Each plugin gets the full timeout.
            let asking = self.asking(delivery);
            let name = plugin.as_ref().map_or("(loading)", |plugin| &plugin.name);
            let answer = match &plugin {
                Some(plugin) => asking.call(plugin, Role::Routing).route(inbound.conversation.clone()).await,
                None => Err(CallError::NoPlugin(Role::Routing)),
            };
            match answer {
                Ok(Some(assignment)) if names_workers(&assignment) => return Ok(Some(assignment)),
                Ok(Some(_)) => tracing::warn!(
                    event = "delivery.routing_plugin_skipped",
                    request = &*delivery.request,
                    tenant = &*self.tenant.name,
                    plugin = name,
                    "routing plugin `{name}` skipped: invalid worker identity"
                ),
                Ok(None) | Err(CallError::NotFound) => {}
                Err(error) if patient => {
                    return Err(retry(format!("routing plugin {name} failed: {}", sentence(&error)), true).into());
                }
                Err(error) => tracing::warn!(
                    event = "delivery.routing_plugin_skipped",
                    request = &*delivery.request,
                    tenant = &*self.tenant.name,
                    plugin = name,
                    "routing plugin `{name}` skipped, failing for longer than delivery.routing_patience_ms: {}",
                    sentence(&error)
                ),
            }
        }
        Ok(None)
    }

    /// Returns the projected address of a worker in a group conversation.
    ///
    /// If neither the callback nor a participant has one, returns the only address that belongs to no participant.
    /// Returns `None` if several addresses qualify.
    async fn projected(&self, delivery: &Delivery, inbound: &Inbound) -> Result<Option<String>, Stop> {
        if !inbound.is_group || inbound.projected_address.is_some() {
            return Ok(inbound.projected_address.clone());
        }
        let conversation = &inbound.conversation.conversation_sid;
        let participants = match self.turn(delivery).await?.participants(conversation).await {
            Ok(participants) => participants,
            Err(failure) => {
                let outcome = self.react(&failure, Repeatable::Yes);
                return Err(outcome.unwrap_or_else(|| retry(failure.to_string(), false)).into());
            }
        };
        let bindings = || participants.iter().filter_map(|participant| participant.messaging_binding.as_ref());
        if let Some(projected) = bindings().find_map(|binding| binding.projected_address.clone()) {
            return Ok(Some(projected));
        }
        let theirs = |address: &&String| bindings().any(|binding| binding.address.as_ref() == Some(*address));
        let mut ours = inbound.all_addresses.iter().filter(|address| !theirs(address));
        Ok(ours.next().filter(|_| ours.next().is_none()).cloned())
    }

    /// Asks Twilio whether the planned worker is in the conversation.
    async fn find_worker(&self, delivery: &Delivery, inbound: &Inbound) -> Result<Option<Outcome>, Stop> {
        let Some(worker) = &delivery.plan else {
            return Ok(None);
        };
        let rest = match self.turn(delivery).await {
            Ok(rest) => rest,
            Err(stop) => return Err(still_unknown(stop)),
        };
        let found = rest.participant(&inbound.conversation.conversation_sid, worker).await;
        crash::point("asked");
        let failure = match found {
            Ok(participant) => return Ok(Some(Outcome::Sent { result: Some(participant.sid) })),
            Err(ApiError::Rejected { status: StatusCode::NOT_FOUND, .. }) => return Ok(None),
            Err(failure) => failure,
        };
        Err(self.unanswered_question(&failure))
    }
}

/// Returns whether the request got no answer, or an answer about the caller rather than the participant.
pub(super) fn is_outage(failure: &ApiError) -> bool {
    match failure {
        ApiError::NotSent(_) | ApiError::NoResponse(_) => true,
        ApiError::Rejected { status, .. } => matches!(status.as_u16(), 300..=399 | 401 | 403 | 429 | 503),
    }
}

/// Keeps the outcome unknown if Twilio could not be queried.
pub(super) fn still_unknown(stop: Stop) -> Stop {
    match stop {
        Stop::Settle(Outcome::Retry { reason, after, .. }) => Outcome::Unknown { reason, asked: false, after }.into(),
        stop => stop,
    }
}

/// Returns whether all identities of an assignment are valid in a URL and within Twilio's limits.
fn names_workers(assignment: &Assignment) -> bool {
    let usable = |worker: &String| {
        !matches!(worker.trim(), "" | "." | "..") && worker.len() <= 256 && !worker.contains(char::is_control)
    };
    match assignment {
        Assignment::Worker(worker) => usable(worker),
        Assignment::OneOf(list) => !list.is_empty() && list.iter().all(usable),
    }
}
