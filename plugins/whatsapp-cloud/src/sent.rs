//! What Meta has reported about the parts of messages.

use std::thread;
use std::time::Duration;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{FailedDelivery, OutboundMessage, SendReceipt, SendStatus};
use serde::{Deserialize, Serialize};

use crate::mark::Mark;
use crate::{memory, parts};

/// The time for which reports are remembered: longer than the gateway retries.
const REMEMBERED: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// The number of looks for reports, and the time between them. Meta's first report usually arrives within a second.
const LOOKS: usize = 9;
const PAUSE: Duration = Duration::from_millis(250);

/// A part that Meta has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Meta's id.
    pub(crate) id: String,
    /// The customer's WhatsApp id.
    pub(crate) customer: String,
    /// The reason why it was not delivered.
    pub(crate) failure: Option<String>,
}

fn key(message: &str, part: usize) -> String {
    format!("sent/{message}/{part}")
}

/// Remembers a report. The first one proves that Meta has the part; later ones matter only if they are failures.
pub(crate) fn reported(mark: &Mark, known: &Known) -> Result<()> {
    let key = key(&mark.key, mark.part);
    let earlier = memory::recall::<Known>(&key)?;
    if earlier.is_some_and(|earlier| earlier.id == known.id && (earlier.failure.is_some() || known.failure.is_none())) {
        return Ok(());
    }
    memory::remember(&key, known, REMEMBERED)
}

/// Returns a part that Meta has reported.
pub(crate) fn part(message: &str, part: usize) -> Result<Option<Known>> {
    memory::recall(&key(message, part))
}

/// Returns the event for a part that was not delivered. The first part identifies the message.
pub(crate) fn failure(first: &str, part: usize, of: usize, reason: &str) -> FailedDelivery {
    let reason = if of > 1 { format!("Part {part} of {of}: {reason}") } else { reason.to_owned() };
    FailedDelivery { external_id: first.to_owned(), reason }
}

/// Returns the status of a message. Meta cannot be asked, so only reports about all parts prove that it was sent, and
/// nothing proves that it was not. Waits a short time for reports.
pub(crate) fn check(message: &OutboundMessage) -> Result<SendStatus> {
    // An invalid message was never sent.
    let Ok(parts) = parts::of(message) else { return Ok(SendStatus::NotSent) };
    let mut known = all(&message.idempotency_key, parts.len())?;
    for _ in 1..LOOKS {
        if known.is_some() {
            break;
        }
        pause();
        known = all(&message.idempotency_key, parts.len())?;
    }
    let Some(known) = known else { return Ok(SendStatus::Unknown) };
    let Some(first) = known.first() else { return Ok(SendStatus::Unknown) };
    let mut receipt = SendReceipt::new(&first.id, &first.customer);
    for (number, part) in (1..).zip(&known) {
        if let Some(reason) = &part.failure {
            receipt = receipt.event(failure(&first.id, number, known.len(), reason));
        }
    }
    Ok(SendStatus::Sent(receipt))
}

/// Returns all parts, if Meta has reported all of them.
fn all(message: &str, of: usize) -> Result<Option<Vec<Known>>> {
    (1..=of).map(|number| part(message, number)).collect()
}

/// Waits between two looks. Native tests have a clock that stands still, and nothing arrives meanwhile.
fn pause() {
    if cfg!(target_family = "wasm") {
        thread::sleep(PAUSE);
    }
}
