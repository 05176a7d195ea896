//! A conversation gets its worker: decide once, write it down, add the worker, and find out what
//! happened where that is not known.

use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::routing::Assignment;
use frontgate_runtime::error::CallError;
use frontgate_store::crash;
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::routing;
use frontgate_twilio_callbacks::routing::Inbound;
use frontgate_twilio_rest::{ApiError, Repeatable, describe};
use hyper::StatusCode;

use super::{Stop, Workshop, again, sentence, undecodable};
use crate::job::{Delivery, Settlement};

impl Workshop {
    pub(super) async fn route(&self, delivery: &Delivery, form: &Form<'_>) -> Result<Settlement, Stop> {
        let inbound = routing::decode(form, &self.tenant.numbers).map_err(|error| undecodable(&error))?;
        self.account().map_err(|stop| if delivery.unknown { still_unknown(stop) } else { stop })?;
        if delivery.unknown
            && let Some(sent) = self.find_worker(delivery, &inbound).await?
        {
            return Ok(sent);
        }
        let projected = self.projected(&inbound).await?;
        let worker = match &delivery.plan {
            Some(worker) => worker.clone(),
            None => self.decide(delivery, &inbound).await?,
        };
        crash::point("before-send");
        let conversation = &inbound.conversation.conversation_sid;
        let added = self.turn().await?.add_worker(conversation, &worker, projected.as_deref()).await;
        crash::point("after-send");
        match added {
            Ok(participant) => Ok(Settlement::Sent { result: Some(participant.sid) }),
            // The identity makes it the same participant, so this one is there.
            Err(failure) => Ok(self.react(&failure, Repeatable::No).unwrap_or(Settlement::Sent { result: None })),
        }
    }

    /// Asks who shall have the conversation, and writes it down.
    async fn decide(&self, delivery: &Delivery, inbound: &Inbound) -> Result<String, Stop> {
        let chosen = match self.ask_chain(delivery, inbound).await? {
            Some(Assignment::Worker(worker)) => worker,
            Some(Assignment::OneOf(list)) => {
                let planned = self.store.plan_turn(&self.tenant.name, delivery, list).await.map_err(Stop::Unwritten)?;
                crash::point("planned");
                return planned.ok_or_else(|| taken_away().into());
            }
            None => match &self.tenant.default_worker {
                Some(worker) => worker.clone(),
                None => {
                    let reason = "no plugin named a worker, and there is no default_worker in [tenants.NAME.twilio]";
                    return Err(again(reason, true).into());
                }
            },
        };
        let held = self.store.plan(&self.tenant.name, delivery, &chosen).await.map_err(Stop::Unwritten)?;
        crash::point("planned");
        if held { Ok(chosen) } else { Err(taken_away().into()) }
    }

    /// The first plugin that names somebody wins. One that fails is asked again for a while, before
    /// those after it have their say.
    async fn ask_chain(&self, delivery: &Delivery, inbound: &Inbound) -> Result<Option<Assignment>, Stop> {
        let patient = delivery.tried() < Duration::from_millis(self.limits.routing_patience_ms);
        for plugin in self.asking(delivery).candidates(Role::Routing) {
            // Each has its own time.
            let asking = self.asking(delivery);
            let name = plugin.as_ref().map_or("a plugin that is being loaded", |plugin| &plugin.name);
            let answer = match &plugin {
                Some(plugin) => asking.call(plugin, Role::Routing).route(inbound.conversation.clone()).await,
                None => Err(CallError::NoPlugin(Role::Routing)),
            };
            match answer {
                Ok(Some(assignment)) if names_workers(&assignment) => return Ok(Some(assignment)),
                Ok(Some(_)) => tracing::warn!(
                    request = &*delivery.request,
                    tenant = &*self.tenant.name,
                    plugin = name,
                    "a routing plugin is passed over: what it named can be no worker's identity"
                ),
                Ok(None) | Err(CallError::NotFound) => {}
                Err(error) if patient => {
                    return Err(again(format!("no decision yet: {name}: {}", sentence(&error)), true).into());
                }
                Err(error) => tracing::warn!(
                    request = &*delivery.request,
                    tenant = &*self.tenant.name,
                    plugin = name,
                    "a routing plugin is passed over, having failed for delivery.routing_patience_ms: {error}"
                ),
            }
        }
        Ok(None)
    }

    /// In a group a worker appears under a number of the tenant's. Where nobody has said which, it is
    /// the one address that is no participant's own.
    async fn projected(&self, inbound: &Inbound) -> Result<Option<String>, Stop> {
        if !inbound.is_group || inbound.projected_address.is_some() {
            return Ok(inbound.projected_address.clone());
        }
        let conversation = &inbound.conversation.conversation_sid;
        let participants = match self.turn().await?.participants(conversation).await {
            Ok(participants) => participants,
            Err(failure) => {
                let settlement = self.react(&failure, Repeatable::Yes);
                return Err(settlement.unwrap_or_else(|| again(failure.to_string(), false)).into());
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

    /// Asks Twilio whether the worker that was to be added is there.
    async fn find_worker(&self, delivery: &Delivery, inbound: &Inbound) -> Result<Option<Settlement>, Stop> {
        let Some(worker) = &delivery.plan else {
            return Ok(None);
        };
        let rest = match self.turn().await {
            Ok(rest) => rest,
            Err(stop) => return Err(still_unknown(stop)),
        };
        let found = rest.participant(&inbound.conversation.conversation_sid, worker).await;
        crash::point("asked");
        let failure = match found {
            Ok(participant) => return Ok(Some(Settlement::Sent { result: Some(participant.sid) })),
            Err(ApiError::Rejected { status: StatusCode::NOT_FOUND, .. }) => return Ok(None),
            Err(failure) => failure,
        };
        let reason = format!("asking Twilio about it: {}", describe(&failure));
        Err(match self.react(&failure, Repeatable::Yes) {
            // Twilio could not be asked, which says nothing about this delivery.
            Some(Settlement::Again { after, .. }) if is_outage(&failure) => {
                Settlement::Unknown { reason, asked: false, after }
            }
            _ => Settlement::Unknown { reason, asked: true, after: None },
        }
        .into())
    }
}

/// Whether the question got no answer at all, or one about the caller rather than the question.
fn is_outage(failure: &ApiError) -> bool {
    match failure {
        ApiError::NotSent(_) | ApiError::NoResponse(_) => true,
        ApiError::Rejected { status, .. } => matches!(status.as_u16(), 300..=399 | 401 | 403 | 429 | 503),
    }
}

/// What stops a question leaves the answer open.
fn still_unknown(stop: Stop) -> Stop {
    match stop {
        Stop::Settle(Settlement::Again { reason, after, .. }) => {
            Settlement::Unknown { reason, asked: false, after }.into()
        }
        stop => stop,
    }
}

/// Whether an assignment names workers that can be part of a URL and of Twilio's limits.
fn names_workers(assignment: &Assignment) -> bool {
    let usable = |worker: &String| {
        !matches!(worker.trim(), "" | "." | "..") && worker.len() <= 256 && !worker.contains(char::is_control)
    };
    match assignment {
        Assignment::Worker(worker) => usable(worker),
        Assignment::OneOf(list) => !list.is_empty() && list.iter().all(usable),
    }
}

fn taken_away() -> Settlement {
    again("it was taken out of this worker's hands", false)
}
