//! The role `outgoing`: which number a new conversation is sent from.

use crate::bindings::outgoing::Guest;
use crate::{OutgoingRequest, Result};

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
    /// A number of yours: E.164 with the channel's prefix, and never the customer's own.
    /// [`Error::Forbidden`](crate::Error::Forbidden) where this worker may not write to this customer.
    fn proxy_address(request: OutgoingRequest) -> Result<String>;
}

impl<T: Outgoing> Guest for T {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        T::proxy_address(request)
    }
}
