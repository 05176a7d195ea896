//! The pages of requests: Live, one request, and conversations; and the record of people's actions.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontgate_audit::Filter as ActionFilter;
use frontgate_console_access::{Right, Session};
use frontgate_console_pages::pages::{ActionRow, Audit, Conversation, Conversations, Lane, Live, Step};
use frontgate_console_pages::{Grant, Kind, Personal, is_id, mask_text, words};
use frontgate_delivery::store::queue_admin::{Attempt, DeliverySummary};
use frontgate_recorder::{self as recorder, Filter, PluginCall, Record};

use super::answers::{Answer, Refusal};
use super::history::address;
use super::{Call, Console, deliveries, encoded, page, records};

/// Requests that the page Live shows first.
const LIVE_ROWS: usize = 100;

/// Records that are read to find recent conversations.
const RECORDS_READ: usize = 5_000;

/// Deliveries of a conversation whose attempts are part of its story.
const STORY_DELIVERIES: u32 = 100;

/// Returns whether a person sees a record. Requests without a tenant are seen by those who see all tenants.
pub(super) fn sees(session: &Session, record: &Record) -> bool {
    match &record.facts.tenant {
        Some(tenant) => session.sees(tenant),
        None => session.tenants.is_none(),
    }
}

impl Console {
    pub(super) fn live(self: &Arc<Self>, call: Call) -> Answer {
        let recorder = &self.sources.recorder;
        let query = call.query("q").unwrap_or_default().to_owned();
        let (filter, problem) = match query.parse::<Filter>() {
            Ok(filter) => (filter.without_simulated(), None),
            Err(error) => (Filter::default(), Some(error.to_string())),
        };
        let (next, hold_ms) = (recorder.last(), self.sources.access.settings().hold_ms);
        let is_seen = |record: &Record| record.sequence <= next && sees(&call.session, record);
        let newest = recorder.newest_where(&filter, is_seen, LIVE_ROWS);
        let rows = newest.iter().map(|record| records::row(record)).collect();
        let view = Live { query, problem, rows, next, is_recording: recorder.is_on(), hold_ms };
        page(call, "/live", view)
    }

    pub(super) async fn event(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        let record = self.record(&call, id).await?;
        let reveal_ms = self.sources.access.settings().reveal_ms;
        Ok(page(call, "/live", records::event(&record, None, reveal_ms)))
    }

    pub(super) async fn record(&self, call: &Call, id: &str) -> Result<Arc<Record>, Refusal> {
        let found = self.record_by_id(id).await.filter(|record| sees(&call.session, record));
        found.ok_or_else(|| {
            Refusal::Invalid(
                "This request is not recorded, or its record was deleted: see recording.keep_ms.".to_owned(),
            )
        })
    }

    /// Shows the content of a request as clear text. The look is recorded first.
    pub(super) async fn show_event(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Reveal)?;
        let record = self.record(&call, id).await?;
        let (actor, tenant) = (call.session.actor(), record.facts.tenant.as_deref());
        let object = format!("request {id}");
        self.sources.store.record_action(&actor, tenant, "show", &object, call.form("reason")).await?;
        let reveal_ms = self.sources.access.settings().reveal_ms;
        Ok(page(call, "/live", records::event(&record, Some(&Grant::recorded()), reveal_ms)))
    }

    pub(super) async fn conversations(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        match call.query("q").map(|wanted| (address(wanted), wanted)) {
            None => Ok(self.recent_conversations(call)),
            Some((None, _)) => self.find(&call).await,
            Some((Some(address), wanted)) => {
                let searched = Some(Personal::new(Kind::Address, wanted));
                let found = self.conversations_of(&call, &address).await?.into_iter();
                let recent = found.map(|found| (found.tenant, found.conversation, found.last_ms, None)).collect();
                Ok(page(call, "/conversations", Conversations { recent, searched }))
            }
        }
    }

    fn recent_conversations(self: &Arc<Self>, call: Call) -> Answer {
        let mut found: BTreeMap<(String, String), (i64, u64)> = BTreeMap::new();
        for record in self.sources.recorder.newest(&Filter::default().without_simulated(), RECORDS_READ) {
            let facts = &record.facts;
            let (Some(tenant), Some(key)) = (&facts.tenant, &facts.conversation) else { continue };
            if call.session.sees(tenant) && is_id(key) {
                let time = i64::try_from(facts.at_ms).unwrap_or(i64::MAX);
                found.entry((tenant.to_string(), key.to_string())).or_insert((time, 0)).1 += 1;
            }
        }
        let mut recent: Vec<_> =
            found.into_iter().map(|((tenant, key), (time, count))| (tenant, key, time, Some(count))).collect();
        recent.sort_by_key(|(_, _, time, _)| std::cmp::Reverse(*time));
        recent.truncate(LIVE_ROWS);
        page(call, "/conversations", Conversations { recent, searched: None })
    }

    pub(super) async fn conversation(
        self: &Arc<Self>,
        call: Call,
        tenant: &str,
        conversation: &str,
    ) -> Result<Answer, Refusal> {
        call.needs_tenant(tenant)?;
        let store = &self.sources.store;
        let before = call.query("before").and_then(|id| id.parse().ok());
        let listed = store.story(tenant, conversation, before, STORY_DELIVERIES).await?;
        let records = self.records_of_conversation(tenant, conversation).await;
        let mut steps: Vec<Step> = records.iter().flat_map(|record| of_record(record)).collect();
        for (delivery, attempts) in &listed {
            steps.extend(of_delivery(delivery, attempts));
            steps.extend(self.sources.recorder.attempts(delivery.id).iter().flat_map(|attempt| of_attempt(attempt)));
        }
        let is_full = listed.len() >= usize::try_from(STORY_DELIVERIES).unwrap_or(usize::MAX);
        let path = format!("/conversations/{}/{}", encoded(tenant), encoded(conversation));
        let next = listed.last().filter(|_| is_full).map(|(last, _)| format!("{path}?before={}", last.id));
        steps.sort_by_key(|step| step.time_ms);
        let view = Conversation {
            tenant: tenant.to_owned(),
            conversation: mask_text(conversation),
            steps,
            deliveries: listed.iter().map(|(delivery, _)| deliveries::row(delivery)).collect(),
            next,
        };
        Ok(page(call, "/conversations", view))
    }

    pub(super) async fn audit(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs_all_tenants()?;
        let before_id = call.query("before").and_then(|id| id.parse().ok());
        let who = call.query("who").map(str::to_owned);
        let most = self.sources.access.settings().rows_max;
        let filter = ActionFilter { who: who.clone(), before_id, ..ActionFilter::default() };
        let store = &self.sources.store;
        let listed = store.actions(filter, most).await?;
        let verified = self.verified.get(store).await?;
        let is_full = listed.len() >= usize::try_from(most).unwrap_or(usize::MAX);
        let by = who.as_deref().map(|who| format!("&who={}", encoded(who))).unwrap_or_default();
        let next = listed.last().filter(|_| is_full).map(|last| format!("/audit?before={}{by}", last.id));
        let row = |action: &frontgate_audit::Action| ActionRow {
            id: action.id,
            time_ms: action.time_ms,
            who: action.who.clone(),
            role: action.role.clone(),
            tenant: action.tenant.clone(),
            action: action.text(),
            object: action.object.clone(),
            reason: action.reason.as_deref().map(mask_text),
        };
        let view = Audit {
            is_verified: verified.is_some(),
            verified: verified.map_or(0, |verified| verified.verified),
            broken: verified.and_then(|verified| verified.broken),
            since_ms: verified.and_then(|verified| verified.since_ms),
            actions: listed.iter().map(row).collect(),
            who,
            next,
        };
        Ok(page(call, "/audit", view))
    }
}

/// Returns a request and the calls of plugins in it as steps.
fn of_record(record: &Record) -> Vec<Step> {
    let facts = &record.facts;
    let at = |us: u64| i64::try_from(facts.at_ms + us / 1_000).unwrap_or(i64::MAX);
    let link = format!("/events/{}", facts.id);
    let event = facts.event.as_deref().map(|event| format!(" {event}")).unwrap_or_default();
    let mut steps = vec![Step {
        time_ms: at(0),
        from: Lane::Platform,
        to: Lane::Gateway,
        text: format!("{}{event}", facts.callback),
        result: match facts.status {
            Some(status) => format!("{status} in {}", words::micros(facts.took_us)),
            None => "the caller disconnected".to_owned(),
        },
        state: if facts.code == "ok" { "" } else { "failed" },
        link: link.clone(),
    }];
    let mut start = facts.stages.body_us + facts.stages.verify_us;
    for call in &facts.calls {
        steps.push(of_call(call, at(start), link.clone()));
        start += call.took_us();
    }
    steps
}

fn of_call(call: &PluginCall, time_ms: i64, link: String) -> Step {
    Step {
        time_ms,
        from: Lane::Gateway,
        to: Lane::Plugin,
        text: format!("{} {}", call.plugin, call.function),
        result: format!("{} in {}", call.outcome, words::micros(call.took_us())),
        state: if call.outcome == "answered" { "" } else { "failed" },
        link,
    }
}

/// Returns the calls of plugins in an attempt of a delivery as steps. The times are those at which they were recorded.
fn of_attempt(attempt: &recorder::Attempt) -> Vec<Step> {
    let time_ms = i64::try_from(attempt.at_ms).unwrap_or(i64::MAX);
    let link = format!("/deliveries/{}", attempt.delivery);
    attempt.calls.iter().map(|call| of_call(call, time_ms, link.clone())).collect()
}

/// Returns the attempts of a delivery as steps.
fn of_delivery(summary: &DeliverySummary, attempts: &[Attempt]) -> Vec<Step> {
    let link = format!("/deliveries/{}", summary.id);
    let what = deliveries::what(summary);
    let attempt = |attempt: &Attempt| Step {
        time_ms: attempt.begun_ms,
        from: Lane::Gateway,
        to: Lane::Platform,
        text: format!("{what}, attempt {}", attempt.number),
        result: attempt.reason.as_deref().map(mask_text).unwrap_or_else(|| words::duration(attempt.took_ms)),
        state: attempt.state.name(),
        link: link.clone(),
    };
    attempts.iter().map(attempt).collect()
}
