//! The pages of deliveries.

use std::sync::Arc;

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{Attempt, By, Deliveries, Delivery, DeliveryRow, Fact, Group, StateCount};
use frontgate_console_pages::{Grant, is_id, mask_text, words};
use frontgate_delivery::job::State;
use frontgate_delivery::store::StoreError;
use frontgate_delivery::store::queue_admin::{Change, DeliveryFilter, DeliverySummary, Resolution};
use hyper::StatusCode;
use url::form_urlencoded::Serializer;

use super::answers::{Answer, Refusal};
use super::{Call, Console, encoded, page, payload, records};

impl Console {
    /// Returns the filter of a query.
    pub(super) fn filter(call: &Call) -> Result<DeliveryFilter, Refusal> {
        let state = match call.query("state") {
            Some(name) => Some(State::named(name).ok_or_else(|| Refusal::Invalid("Unknown state.".to_owned()))?),
            None => None,
        };
        let before_id = match call.query("before") {
            Some(id) => Some(number(id)?),
            None => None,
        };
        let tenant = call.query("tenant").map(str::to_owned);
        if let Some(tenant) = &tenant {
            call.needs_tenant(tenant)?;
        }
        let reason = call.query.iter().find(|(name, _)| name == "reason");
        let reason_group = reason.map(|(_, reason)| reason.clone());
        Ok(DeliveryFilter { states: state.into_iter().collect(), tenant, reason_group, conversation: None, before_id })
    }

    /// Returns deliveries of the tenants that the person sees.
    pub(super) async fn listed(
        &self,
        call: &Call,
        filter: DeliveryFilter,
        most: u32,
    ) -> Result<Vec<DeliverySummary>, Refusal> {
        let store = &self.sources.store;
        let Some(tenants) = call.session.tenants.clone().filter(|_| filter.tenant.is_none()) else {
            return Ok(store.deliveries(filter, most).await?);
        };
        let mut all = Vec::new();
        for tenant in tenants {
            let filter = DeliveryFilter { tenant: Some(tenant), ..filter.clone() };
            all.extend(store.deliveries(filter, most).await?);
        }
        all.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
        all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(all)
    }

    pub(super) async fn deliveries(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let store = &self.sources.store;
        let filter = Self::filter(&call)?;
        let most = self.sources.access.settings().rows_max;
        let counts = store.state_counts(call.session.tenants.clone()).await?;
        let state = filter.states.first().map(|state| state.name());
        let (mut groups, mut rows, mut next) = (Vec::new(), Vec::new(), None);
        if state.is_none() {
            let found = store.delivery_groups().await?.into_iter();
            groups = found.filter(|group| call.session.sees(&group.tenant)).map(group).collect();
        } else {
            let listed = self.listed(&call, filter.clone(), most).await?;
            if let Some(last) = listed.last().filter(|_| listed.len() >= usize::try_from(most).unwrap_or(usize::MAX)) {
                next = Some(format!("/deliveries?{}&before={}", query(&filter), last.id));
            }
            rows = listed.iter().map(row).collect();
        }
        let command = match state {
            Some(state) => format!("frontgate deliveries list --state {state}"),
            None => "frontgate deliveries groups".to_owned(),
        };
        let is_open = |state: &State| !matches!(state, State::Sent | State::Failed | State::Cancelled);
        let view = Deliveries {
            open: counts.iter().filter(|(state, _)| is_open(state)).map(|(_, count)| count).sum(),
            states: counts.iter().map(|(state, count)| StateCount { state: state.name(), count: *count }).collect(),
            state,
            tenant: filter.tenant.clone(),
            reason: filter.reason_group.as_deref().map(mask_text),
            groups,
            rows,
            query: query(&filter),
            next,
            command,
        };
        Ok(page(call, "/deliveries", view))
    }

    pub(super) async fn delivery(
        self: &Arc<Self>,
        call: Call,
        id: &str,
        notice: Option<(StatusCode, String)>,
    ) -> Result<Answer, Refusal> {
        let view = self.delivery_view(&call, number(id)?, None).await?;
        let (status, notice) = notice.map_or((StatusCode::OK, None), |(status, notice)| (status, Some(notice)));
        Ok(with_status(status, page(call, "/deliveries", Delivery { notice, ..view })))
    }

    async fn delivery_view(&self, call: &Call, id: i64, grant: Option<&Grant>) -> Result<Delivery, Refusal> {
        let found = self.sources.store.delivery(id).await?;
        let summary = &found.summary;
        call.needs_tenant(&summary.tenant)?;
        let key = &summary.conversation;
        let conversation = Fact::new("Conversation", mask_text(key));
        let conversation = if is_id(key) { conversation.linked(conversation_path(summary)) } else { conversation };
        let request = Fact::new("Request", summary.request.clone()).linked(format!("/events/{}", summary.request));
        let mut facts = vec![
            Fact::new("Tenant", summary.tenant.clone()),
            Fact::new("Kind", summary.callback.clone()),
            Fact::new("Event", summary.event.clone()),
            conversation,
            Fact::new("Accepted", words::time(summary.created_ms)),
            Fact::new("Last change", words::time(summary.changed_ms)),
            Fact::new("Attempts", summary.attempts.to_string()),
            request,
        ];
        facts.extend(summary.plan.as_deref().map(|plan| Fact::new("Decision", mask_text(plan))));
        facts.extend(summary.result.as_deref().map(|result| Fact::new("Result", mask_text(result))));
        let recorded = self.sources.recorder.attempts(id);
        Ok(Delivery {
            id,
            state: summary.state.name(),
            reason: summary.reason.as_deref().map(mask_text),
            waits: waits(summary),
            facts,
            payload: payload::of_payload(&found.payload, grant),
            is_revealed: grant.is_some(),
            reveal_ms: self.sources.access.settings().reveal_ms,
            attempts: found
                .history
                .iter()
                .map(|attempt| {
                    let calls = recorded.iter().rfind(|recorded| recorded.number == attempt.number);
                    Attempt {
                        number: attempt.number,
                        begun_ms: attempt.begun_ms,
                        took_ms: attempt.took_ms,
                        state: attempt.state.name(),
                        reason: attempt.reason.as_deref().map(mask_text),
                        calls: calls.iter().flat_map(|recorded| &recorded.calls).map(records::call).collect(),
                        calls_dropped: calls.map_or(0, |recorded| recorded.calls_dropped),
                    }
                })
                .collect(),
            actions: found.actions.iter().map(by).collect(),
            notice: None,
        })
    }

    /// Shows the payload of a delivery as clear text. The look is recorded first.
    pub(super) async fn show_payload(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Reveal)?;
        let id = number(id)?;
        // The delivery must exist and belong to a tenant that the person sees.
        let found = self.sources.store.delivery(id).await?;
        call.needs_tenant(&found.summary.tenant)?;
        let (actor, object) = (call.session.actor(), format!("delivery {id}"));
        let tenant = Some(found.summary.tenant.as_str());
        self.sources.store.record_action(&actor, tenant, "show", &object, call.form("reason")).await?;
        let view = self.delivery_view(&call, id, Some(&Grant::recorded())).await?;
        Ok(page(call, "/deliveries", view))
    }

    /// Changes a delivery, and shows it again.
    pub(super) async fn change_delivery(
        self: &Arc<Self>,
        call: Call,
        id: &str,
        change: &str,
    ) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let change = match change {
            "retry" => Change::Retry,
            "cancel" => Change::Cancel,
            "sent" => Change::Resolve(Resolution::Sent),
            "not-sent" => Change::Resolve(Resolution::NotSent),
            _ => return Err(Refusal::NotFound),
        };
        let store = &self.sources.store;
        let number = number(id)?;
        call.needs_tenant(&store.delivery(number).await?.summary.tenant)?;
        let reason = call.form("reason").map(str::to_owned);
        let notice = match store.change_delivery(&call.session.actor(), number, change, reason).await {
            Ok(state) => (StatusCode::OK, format!("{}: the delivery is {state} now.", change.name())),
            Err(StoreError::Rejected(reason)) => (StatusCode::CONFLICT, format!("Not possible: {reason}.")),
            Err(error) => return Err(error.into()),
        };
        self.delivery(call, id, Some(notice)).await
    }
}

/// Returns an action of a person for a page.
pub(super) fn by(action: &frontgate_audit::Action) -> By {
    By {
        time_ms: action.time_ms,
        who: action.who.clone(),
        text: action.text(),
        reason: action.reason.as_deref().map(mask_text),
    }
}

pub(super) fn number(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}

/// Replaces the status of a page.
pub(super) fn with_status(status: StatusCode, answer: Answer) -> Answer {
    match answer {
        Answer::Page { session, section, page, format, .. } => Answer::Page { status, session, section, page, format },
        ready @ Answer::Ready(_) => ready,
    }
}

/// Returns a filter as a query.
pub(super) fn query(filter: &DeliveryFilter) -> String {
    let mut query = Serializer::new(String::new());
    for state in &filter.states {
        query.append_pair("state", state.name());
    }
    if let Some(tenant) = &filter.tenant {
        query.append_pair("tenant", tenant);
    }
    if let Some(reason) = &filter.reason_group {
        query.append_pair("reason", reason);
    }
    query.finish()
}

fn group(group: frontgate_delivery::store::queue_admin::DeliveryGroup) -> Group {
    let filter = DeliveryFilter {
        states: vec![group.state],
        tenant: Some(group.tenant.clone()),
        reason_group: Some(group.reason_group.clone().unwrap_or_default()),
        ..DeliveryFilter::default()
    };
    Group {
        state: group.state.name(),
        tenant: group.tenant,
        reason: group.reason_group.as_deref().map(mask_text),
        count: group.count,
        oldest_ms: group.oldest_ms,
        query: query(&filter),
    }
}

pub(super) fn row(summary: &DeliverySummary) -> DeliveryRow {
    let key = &summary.conversation;
    DeliveryRow {
        id: summary.id,
        state: summary.state.name(),
        tenant: summary.tenant.clone(),
        what: what(summary),
        conversation: mask_text(key),
        conversation_link: is_id(key).then(|| conversation_path(summary)),
        created_ms: summary.created_ms,
        waits: waits(summary),
        reason: summary.reason.as_deref().map(mask_text),
    }
}

/// Returns kind and event of a delivery; a routing has the same name for both.
pub(super) fn what(summary: &DeliverySummary) -> String {
    let DeliverySummary { callback, event, .. } = summary;
    if callback == event { event.clone() } else { format!("{callback} {event}") }
}

fn conversation_path(summary: &DeliverySummary) -> String {
    format!("/conversations/{}/{}", encoded(&summary.tenant), encoded(&summary.conversation))
}

/// Returns what a delivery waits for.
fn waits(summary: &DeliverySummary) -> String {
    match (summary.state, summary.due_in_ms) {
        (State::Ready | State::Unknown, Some(0)) => "due now".to_owned(),
        (State::Ready | State::Unknown, Some(ms)) => format!("next attempt in {}", words::duration(ms)),
        (State::Ready, None) => "waits for an earlier delivery of its conversation".to_owned(),
        (State::Leased, _) => "attempt in progress".to_owned(),
        (State::Dead, _) => "given up, waits for a decision".to_owned(),
        _ => String::new(),
    }
}
