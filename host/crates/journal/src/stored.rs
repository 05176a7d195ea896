//! The facts of a request as they are stored.
//!
//! Texts that a caller chose are stored only if they cannot contain an address: ids, and short names. The error's detail,
//! the explanation of a signature and hosts of plugins' requests are not stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use frontgate_console_pages::{is_id, mask_text};
use frontgate_recorder::{CallCost, Facts, Outcome, PluginCall, Record, SignatureResult, Stages};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Longest name that is stored, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Most names that are kept until the end of the process. A program has fewer; a damaged file could have any.
const NAMES_MAX: usize = 1_000;

/// Replaces names beyond that number.
const OTHER: &str = "other";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredFacts {
    callback: String,
    event: Option<String>,
    method: String,
    path: String,
    stages_us: [u64; 5],
    took_us: u64,
    deadline_us: Option<u64>,
    outcome: StoredOutcome,
    status: Option<u16>,
    code: String,
    key: Option<String>,
    is_accepted: bool,
    plugin: Option<String>,
    index: Option<String>,
    calls: Vec<StoredCall>,
    channel: Option<String>,
    deliveries: Vec<i64>,
    bytes_in: u64,
    bytes_out: u64,
    is_simulated: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredOutcome {
    Answered,
    Refused,
    LetThrough,
    CallerGone,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredCall {
    plugin: String,
    function: String,
    outcome: String,
    limit: Option<String>,
    digest: String,
    queue_us: u64,
    cost: Option<CallCost>,
}

/// Returns a name as it can be stored; `None` if it may contain an address.
fn name(text: &str) -> Option<&str> {
    (text.len() <= NAME_BYTES_MAX && mask_text(text) == text && !text.contains('@')).then_some(text)
}

/// Returns the id of a record's conversation, if its key is an id and not an address.
pub(crate) fn conversation(facts: &Facts) -> Option<&str> {
    facts.conversation.as_deref().filter(|key| key.len() <= NAME_BYTES_MAX && is_id(key))
}

impl StoredFacts {
    pub(crate) fn of(facts: &Facts) -> Self {
        let owned = |text: &Option<Box<str>>| text.as_deref().and_then(name).map(str::to_owned);
        let Stages { body_us, verify_us, calls_us, store_us, encode_us } = facts.stages;
        Self {
            callback: facts.callback.to_owned(),
            event: owned(&facts.event),
            method: facts.method.to_owned(),
            path: name(&facts.path).unwrap_or("-").to_owned(),
            stages_us: [body_us, verify_us, calls_us, store_us, encode_us],
            took_us: facts.took_us,
            deadline_us: facts.deadline_us,
            outcome: match facts.outcome {
                Outcome::Answered => StoredOutcome::Answered,
                Outcome::Refused => StoredOutcome::Refused,
                Outcome::LetThrough => StoredOutcome::LetThrough,
                Outcome::CallerGone => StoredOutcome::CallerGone,
            },
            status: facts.status,
            code: facts.code.to_owned(),
            key: match &facts.signature {
                SignatureResult::Matched { key, .. } => name(key).map(str::to_owned),
                _ => None,
            },
            is_accepted: facts.is_accepted,
            plugin: facts.plugin.as_deref().map(str::to_owned),
            index: facts.index.map(str::to_owned),
            calls: facts.calls.iter().map(stored_call).collect(),
            channel: owned(&facts.channel),
            deliveries: facts.deliveries.clone(),
            bytes_in: facts.bytes_in,
            bytes_out: facts.bytes_out,
            is_simulated: facts.is_simulated,
        }
    }

    /// Returns the record of a row.
    pub(crate) fn record(
        self,
        (sequence, id, at_ms): (u64, String, u64),
        tenant: Option<String>,
        conversation: Option<String>,
    ) -> Record {
        let [body_us, verify_us, calls_us, store_us, encode_us] = self.stages_us;
        let facts = Facts {
            id: id.into(),
            at_ms,
            tenant: tenant.map(Arc::from),
            callback: interned(&self.callback),
            event: self.event.map(Box::from),
            method: interned(&self.method),
            path: self.path.into(),
            stages: Stages { body_us, verify_us, calls_us, store_us, encode_us },
            took_us: self.took_us,
            deadline_us: self.deadline_us,
            outcome: match self.outcome {
                StoredOutcome::Answered => Outcome::Answered,
                StoredOutcome::Refused => Outcome::Refused,
                StoredOutcome::LetThrough => Outcome::LetThrough,
                StoredOutcome::CallerGone => Outcome::CallerGone,
            },
            status: self.status,
            code: interned(&self.code),
            detail: None,
            signature: match self.key {
                Some(key) => SignatureResult::Matched { key: key.into(), url: None },
                None => SignatureResult::Unchecked,
            },
            is_accepted: self.is_accepted,
            plugin: self.plugin.map(Arc::from),
            index: self.index.as_deref().map(interned),
            calls: self.calls.into_iter().map(call).collect(),
            conversation: conversation.map(Box::from),
            channel: self.channel.map(Box::from),
            deliveries: self.deliveries,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            is_simulated: self.is_simulated,
        };
        Record::restored(sequence, facts)
    }
}

fn stored_call(call: &PluginCall) -> StoredCall {
    StoredCall {
        plugin: call.plugin.to_string(),
        function: call.function.to_string(),
        outcome: call.outcome.to_owned(),
        limit: call.limit.map(str::to_owned),
        digest: HEXLOWER.encode(&call.digest),
        queue_us: call.queue_us,
        cost: call.cost.clone(),
    }
}

fn call(call: StoredCall) -> PluginCall {
    let digest = HEXLOWER.decode(call.digest.as_bytes()).unwrap_or_default();
    PluginCall {
        plugin: call.plugin.into(),
        function: call.function.into(),
        outcome: interned(&call.outcome),
        limit: call.limit.as_deref().map(interned),
        digest: digest.try_into().unwrap_or_default(),
        queue_us: call.queue_us,
        cost: call.cost,
    }
}

/// Returns a name that lives until the end of the process, as in the gateway's own records.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock();
    if let Some(known) = names.get(name) {
        return known;
    }
    if names.len() >= NAMES_MAX || name.len() > NAME_BYTES_MAX {
        return OTHER;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}
