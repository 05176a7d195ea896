//! The function of the outgoing role.

use frontgate_contract::bindings::outgoing::OutgoingRequest;

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Returns the number from which a conversation starts.
    pub async fn proxy_address(self, request: OutgoingRequest) -> Result<String, CallError> {
        invoke!(self, outgoing.call_proxy_address(&request))
    }
}
