//! The role `routing`: assigns inbound conversations to workers.

use crate::bindings::routing::Guest;
use crate::{Assignment, InboundConversation, Result};

/// Assigns conversations that customers start.
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
    /// Returns the assignment. With `None` the next plugin of the chain decides, and finally the configured default
    /// worker. After a failure, `route` may be called again for the same conversation.
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>>;
}

impl<T: Routing> Guest for T {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        T::route(conversation)
    }
}

impl Assignment {
    /// Assigns this worker, by identity.
    ///
    /// ```
    /// use frontgate_sdk::Assignment;
    ///
    /// assert_eq!(Assignment::worker("ana@example.org"), Assignment::Worker("ana@example.org".to_owned()));
    /// ```
    pub fn worker(identity: impl Into<String>) -> Self {
        Self::Worker(identity.into())
    }

    /// Assigns one of these workers, round robin. The gateway keeps a counter for each list.
    ///
    /// ```
    /// use frontgate_sdk::Assignment;
    ///
    /// let both = Assignment::one_of(["ana@example.org", "ben@example.org"]);
    /// assert!(matches!(both, Assignment::OneOf(workers) if workers.len() == 2));
    /// ```
    pub fn one_of<W: Into<String>>(identities: impl IntoIterator<Item = W>) -> Self {
        Self::OneOf(identities.into_iter().map(Into::into).collect())
    }
}

impl InboundConversation {
    /// Creates a conversation that a customer started, for tests.
    ///
    /// ```
    /// let conversation = frontgate_sdk::InboundConversation::of("+12025550107").to("+12025550199");
    /// assert_eq!(conversation.proxy_address.as_deref(), Some("+12025550199"));
    /// ```
    pub fn of(address: impl Into<String>) -> Self {
        Self {
            conversation_sid: "CH00000000000000000000000000000000".to_owned(),
            friendly_name: None,
            attributes: "{}".to_owned(),
            addresses: vec![address.into()],
            proxy_address: None,
            author: None,
            unique_name: None,
            state: None,
            chat_service_sid: None,
            date_created: None,
            date_updated: None,
            more: Vec::new(),
        }
    }

    /// Sets the company's number that the customer wrote to.
    ///
    /// ```
    /// let conversation = frontgate_sdk::InboundConversation::of("+12025550107").to("+12025550199");
    /// assert_eq!(conversation.addresses, ["+12025550107"]);
    /// ```
    pub fn to(mut self, proxy_address: impl Into<String>) -> Self {
        self.proxy_address = Some(proxy_address.into());
        self
    }
}
