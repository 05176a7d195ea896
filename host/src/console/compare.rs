//! Asks a version of a plugin that waits for approval the recorded questions of the live one, in dry runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{Comparison, Differing};
use frontgate_gateway::{Question, Reply};
use frontgate_recorder::{Filter, Record};
use frontgate_runtime::LoadedPlugin;
use frontgate_runtime::dry_run::{DryCall, DryResult};
use hyper::StatusCode;

use super::answers::{Answer, Refusal};
use super::questions::{differences, end, recorded_body};
use super::{Call, Console, page, records};

/// Time after which no further question is asked.
const COMPARISON_TIMEOUT: Duration = Duration::from_secs(60);
/// Questions that both versions are asked.
const QUESTIONS_MAX: usize = 50;

impl Console {
    /// Compares the waiting version of a plugin with the live one.
    pub(super) async fn compare(self: &Arc<Self>, call: Call, name: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        call.needs_all_tenants()?;
        let live = self.sources.registry.get(name).ok_or(Refusal::NotFound)?;
        let receipts = self.sources.registry.receipts();
        let waits = receipts.get(name).filter(|receipt| receipt.outcome.name() == "waiting");
        let Some(digest) = waits.and_then(|receipt| receipt.digest) else {
            return Err(Refusal::Invalid(format!("No version of {name} waits for approval.")));
        };
        let Ok(_turn) = self.comparing.try_lock() else {
            return Err(Refusal::Invalid("Another comparison runs. Try again in a minute.".to_owned()));
        };
        let object = format!("plugin {name} {}", digest.short());
        self.sources.store.record_action(&call.session.actor(), None, "compare", &object, None).await?;
        let candidate = self.sources.candidates.load(self.sources.generations.config(), name, digest).await;
        let candidate =
            candidate.map_err(|error| Refusal::Invalid(format!("The version cannot be run: {error:#}.")))?;
        let candidate = Arc::new(candidate);
        let is_asked = |record: &Record| {
            record.facts.calls.iter().any(|call| &*call.plugin == name) && recorded_body(record).is_ok()
        };
        let recorded = self.sources.recorder.newest_where(&Filter::default(), is_asked, QUESTIONS_MAX);
        let (mut same, mut different) = (0, Vec::new());
        let until = Instant::now() + COMPARISON_TIMEOUT;
        for record in recorded {
            if Instant::now() > until {
                break;
            }
            match self.asked_both(&record, &candidate).await? {
                None => same += 1,
                Some(differing) => different.push(differing),
            }
        }
        let view =
            Comparison { plugin: name.to_owned(), live: live.digest.short(), waiting: digest.short(), same, different };
        Ok(page(call, "/plugins", view))
    }

    /// Asks both versions. Returns `None` if they answer the same.
    async fn asked_both(&self, record: &Record, candidate: &Arc<LoadedPlugin>) -> Result<Option<Differing>, Refusal> {
        let Ok(body) = recorded_body(record) else { return Ok(None) };
        let (tenant, callback) = (record.facts.tenant.as_deref().unwrap_or_default(), record.facts.callback);
        let question = |candidate| Question { tenant, callback, body, candidate };
        let live = self.dry_run(question(None)).await?;
        let waiting = self.dry_run(question(Some(Arc::clone(candidate)))).await?;
        let values = differences(&live.0.body, &waiting.0.body, None);
        let (live, waiting) = (described(&live), described(&waiting));
        if live == waiting && values.is_empty() {
            return Ok(None);
        }
        let request = record.facts.id.to_string();
        Ok(Some(Differing { request, name: records::name(record), live, waiting, differences: values }))
    }
}

/// Describes the result of a question, without personal data.
fn described((reply, calls): &(Reply, Vec<DryCall>)) -> String {
    let mut words = vec![match reply.status {
        StatusCode::OK => "200".to_owned(),
        status => format!("{} {}", status.as_u16(), reply.code),
    }];
    for call in calls {
        let held = call.requests.iter().filter(|request| matches!(request.result, DryResult::Held));
        let held: Vec<String> = held.map(|request| format!(", held {}", request.method)).collect();
        words.push(format!("{} {}{}", call.function, end(call), held.concat()));
    }
    words.join("; ")
}
