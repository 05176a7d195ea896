//! Writes the planned changes one after another, and reports what was written if one of them fails.

use frontgate_twilio_rest::addresses::AddressChange;
use frontgate_twilio_rest::webhooks::WebhookChange;
use frontgate_twilio_rest::{ApiError, ConversationsApi, FailureClass, Repeatable, classify, describe};

use super::super::format::plain;
use super::super::say;
use super::twilio::Plan;

/// One request.
enum Change<'p> {
    Webhooks(&'p WebhookChange),
    Address(&'p AddressChange),
}

/// The state of one change after the writes ended.
enum State {
    Written,
    Failed(ApiError),
    NotTried,
}

/// The states of all changes, in the order of the writes.
pub(super) struct Outcome<'p>(Vec<(Change<'p>, State)>);

impl Change<'_> {
    async fn write(&self, api: &ConversationsApi) -> Result<(), ApiError> {
        match self {
            Self::Webhooks(change) => api.set_webhooks(&change.level, &pairs(&change.form)).await,
            Self::Address(change) => api.set_address(change.sid.as_deref(), &pairs(&change.form)).await,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Webhooks(change) => plain(&format!("webhooks of the {}", change.level)),
            Self::Address(change) => plain(&format!("address {}", change.address)),
        }
    }
}

/// Writes the changes, and stops at the first failure. Addresses come last: a new conversation needs the webhooks.
pub(super) async fn write<'p>(plan: &'p Plan, api: &ConversationsApi) -> Outcome<'p> {
    let webhooks = plan.webhooks.iter().map(Change::Webhooks);
    let addresses = plan.addresses.iter().map(Change::Address);
    let mut outcome = Outcome(Vec::new());
    for change in webhooks.chain(addresses) {
        let state = match outcome.is_complete() {
            true => change.write(api).await.map_or_else(State::Failed, |()| State::Written),
            false => State::NotTried,
        };
        outcome.0.push((change, state));
    }
    outcome
}

impl Outcome<'_> {
    /// Returns whether every change was written.
    pub(super) fn is_complete(&self) -> bool {
        self.0.iter().all(|(_, state)| matches!(state, State::Written))
    }

    /// Prints the state of each change after a failure.
    pub(super) fn show(&self, url: &str) {
        say!("\n✗ {url}: failed to write all changes");
        for (change, state) in &self.0 {
            let (word, cause) = match state {
                State::Written => ("written", String::new()),
                State::NotTried => ("not written", ": not tried".to_owned()),
                State::Failed(error) if may_be_written(error) => ("unknown", format!(": {}", describe(error))),
                State::Failed(error) => ("not written", format!(": {}", describe(error))),
            };
            say!("  {word:11}  {}{cause}", change.name());
        }
        let is_unchanged = !self.0.iter().any(|(_, state)| match state {
            State::Written => true,
            State::Failed(error) => may_be_written(error),
            State::NotTried => false,
        });
        if is_unchanged {
            say!("nothing was written");
        }
        say!(
            "correct the cause and run the command again: it reads the configuration, and writes only what is missing"
        );
    }
}

/// Returns whether Twilio may have executed a failed write.
fn may_be_written(error: &ApiError) -> bool {
    matches!(classify(error, Repeatable::No), FailureClass::Uncertain(_))
}

fn pairs<'f>(form: &'f [(&'static str, String)]) -> Vec<(&'f str, &'f str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
