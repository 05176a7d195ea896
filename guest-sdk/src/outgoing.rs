//! The role `outgoing`: selects the number that a new conversation is sent from.

use crate::bindings::outgoing::Guest;
use crate::{ContactChannel, OutgoingRequest, Result};

/// Answers the outgoing conversation callback.
///
/// ```
/// use frontgate_sdk::{Error, Outgoing, OutgoingRequest, Result};
///
/// struct OneNumber;
///
/// impl Outgoing for OneNumber {
///     fn proxy_address(request: OutgoingRequest) -> Result<String> {
///         match request.channel.kind.as_str() {
///             "sms" => Ok("+12025550199".to_owned()),
///             "whatsapp" => Ok("whatsapp:+12025550199".to_owned()),
///             _ => Err(Error::NotFound),
///         }
///     }
/// }
///
/// frontgate_sdk::export!(OneNumber: outgoing);
/// ```
pub trait Outgoing {
    /// Returns one of the company's numbers: E.164 with the channel's prefix, and never the customer's own. Return
    /// [`Error::Forbidden`](crate::Error::Forbidden) if this worker may not write to this customer.
    fn proxy_address(request: OutgoingRequest) -> Result<String>;
}

impl<T: Outgoing> Guest for T {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        T::proxy_address(request)
    }
}

impl OutgoingRequest {
    /// Creates a worker's request to write to a customer, for tests.
    ///
    /// ```
    /// let request = frontgate_sdk::OutgoingRequest::new("ana@example.org", "7", "sms", "+12025550107");
    /// assert_eq!(request.channel.kind, "sms");
    /// ```
    pub fn new(
        worker: impl Into<String>,
        customer_id: impl Into<String>,
        kind: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let channel = ContactChannel { kind: kind.into(), value: value.into() };
        Self { worker: worker.into(), customer_id: customer_id.into(), channel }
    }
}
