//! Records of requests from memory, and facts of older ones from the journal; the search for the conversations of an
//! address.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use frontgate_console_access::{Right, SignIn};
use frontgate_journal::{Found, normalized};
use frontgate_recorder::Record;
use tracing::warn;

use super::answers::Refusal;
use super::{Call, Console};

/// Digits from which a number is an address and not the id of a delivery.
const ADDRESS_DIGITS_MIN: usize = 10;

/// Returns the address that a person searches for; `None` for an id.
pub(super) fn address(wanted: &str) -> Option<String> {
    let is_number = wanted.chars().all(|c| c.is_ascii_digit());
    normalized(wanted).filter(|_| !is_number || wanted.len() >= ADDRESS_DIGITS_MIN)
}

impl Console {
    /// Returns the record of a request.
    pub(super) async fn record_by_id(&self, id: &str) -> Option<Arc<Record>> {
        if let Some(record) = self.sources.recorder.by_id(id) {
            return Some(record);
        }
        let found = self.sources.journal.as_ref()?.by_id(id).await;
        found.unwrap_or_else(|error| not_read(&error)).map(Arc::new)
    }

    /// Returns the records of a conversation.
    pub(super) async fn records_of_conversation(&self, tenant: &str, conversation: &str) -> Vec<Arc<Record>> {
        let mut records = self.sources.recorder.by_conversation(tenant, conversation);
        let Some(journal) = &self.sources.journal else { return records };
        let known: BTreeSet<u64> = records.iter().map(|record| record.sequence).collect();
        let stored = journal.by_conversation(tenant, conversation).await.unwrap_or_else(|error| not_read(&error));
        records.extend(stored.into_iter().filter(|record| !known.contains(&record.sequence)).map(Arc::new));
        records
    }

    /// Returns the conversations of an address, of tenants that the person sees.
    ///
    /// The search tells whose a conversation is, and with many searches the digits that a mask hides. It therefore needs the
    /// same right as showing personal data, is recorded, and is not possible with a token.
    pub(super) async fn conversations_of(&self, call: &Call, address: &str) -> Result<Vec<Found>, Refusal> {
        if call.session.sign_in == SignIn::Token {
            return Err(Refusal::TokenReads);
        }
        call.needs(Right::Reveal)?;
        let Some(journal) = &self.sources.journal else {
            return Err(Refusal::Invalid("The journal is off, see recording.journal.".to_owned()));
        };
        let actor = call.session.actor();
        self.sources.store.record_action(&actor, None, "search address", "conversations", None).await?;
        Ok(journal.conversations(address, call.session.tenants.as_deref()).await?)
    }
}

/// A page without old facts is better than none.
fn not_read<T: Default>(error: &impl Display) -> T {
    warn!(event = "console.not_read", "failed to read the journal for the console: {error}");
    T::default()
}
