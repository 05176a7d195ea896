//! The role `routing`: which worker gets an inbound conversation.

use crate::bindings::routing::Guest;
use crate::{Assignment, InboundConversation, Result};

/// Decides who gets a conversation that a customer began.
///
/// ```
/// use frontgate_sdk::{Assignment, InboundConversation, Result, Routing, directory};
///
/// struct OwnerFirst;
///
/// impl Routing for OwnerFirst {
///     fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
///         for address in &conversation.addresses {
///             if let Some(owner) = directory::find_customer(address)?.and_then(|customer| customer.worker) {
///                 return Ok(Some(Assignment::worker(owner)));
///             }
///         }
///         Ok(Some(Assignment::one_of(["ana@example.org", "otto@example.org"])))
///     }
/// }
///
/// frontgate_sdk::export!(OwnerFirst: routing);
/// ```
pub trait Routing {
    /// Who gets it. `None` lets the next plugin of the chain decide, and the configured default worker
    /// in the end. The same conversation may be asked about again after a failure.
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>>;
}

impl<T: Routing> Guest for T {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        T::route(conversation)
    }
}

impl Assignment {
    /// This worker, by identity.
    pub fn worker(identity: impl Into<String>) -> Self {
        Self::Worker(identity.into())
    }

    /// One of these in turn; the gateway counts the turns of each list.
    pub fn one_of<W: Into<String>>(identities: impl IntoIterator<Item = W>) -> Self {
        Self::OneOf(identities.into_iter().map(Into::into).collect())
    }
}
