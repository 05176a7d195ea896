//! What Meta has reported about the parts of messages.

use std::time::Duration;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{FailedDelivery, OutboundMessage, SendReceipt, SendStatus};
use serde::{Deserialize, Serialize};

use crate::mark::Mark;
use crate::{memory, parts};

/// The time for which reports are remembered: longer than the gateway retries.
const REMEMBERED: Duration = Duration::from_secs(3 * 24 * 60 * 60);

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
/// nothing proves that it was not.
pub(crate) fn check(message: &OutboundMessage) -> Result<SendStatus> {
    // An invalid message was never sent.
    let Ok(parts) = parts::of(message) else { return Ok(SendStatus::NotSent) };
    let mut known = Vec::new();
    for number in 1..=parts.len() {
        let Some(part) = part(&message.idempotency_key, number)? else { return Ok(SendStatus::Unknown) };
        known.push(part);
    }
    let Some(first) = known.first() else { return Ok(SendStatus::Unknown) };
    let mut receipt = SendReceipt::new(&first.id, &first.customer);
    for (number, part) in (1..).zip(&known) {
        if let Some(reason) = &part.failure {
            receipt = receipt.event(failure(&first.id, number, known.len(), reason));
        }
    }
    Ok(SendStatus::Sent(receipt))
}
