//! Handles reports about messages that the plugin sent.

use frontgate_sdk::channel::FailedDelivery;
use frontgate_sdk::{Result, warn};
use serde::Deserialize;
use serde_json::Value;

use crate::mark::Mark;
use crate::meaning::MEANINGS;
use crate::sent::{self, Known};

/// A report.
#[derive(Deserialize)]
struct Status {
    id: String,
    /// `sent`, `delivered`, `read` or `failed`.
    #[serde(default)]
    status: String,
    #[serde(default)]
    recipient_id: String,
    /// [?] Meta documents it for messages that were sent, delivered and read.
    #[serde(default)]
    biz_opaque_callback_data: Option<String>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: Option<u64>,
}

/// Remembers that Meta has a part, and returns the event if it was not delivered.
pub(super) fn reported(status: &Value) -> Result<Option<FailedDelivery>> {
    let Ok(status) = Status::deserialize(status) else {
        warn!("ignored a report of Meta without an id");
        return Ok(None);
    };
    let is_failed = status.status == "failed";
    let failure = is_failed.then(|| MEANINGS.of_failure(status.errors.first().and_then(|problem| problem.code)));
    let mark = status.biz_opaque_callback_data.as_deref().and_then(Mark::of);
    if let Some(mark) = &mark {
        let (id, customer) = (status.id.clone(), status.recipient_id);
        sent::reported(mark, &Known { id, customer, failure: failure.clone() })?;
    }
    let Some(reason) = failure else { return Ok(None) };
    Ok(Some(match mark {
        Some(Mark { part, of, first, .. }) => sent::failure(&first.unwrap_or(status.id), part, of, &reason),
        None => FailedDelivery { external_id: status.id, reason },
    }))
}
