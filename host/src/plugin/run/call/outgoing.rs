//! The question of the outgoing role.

use super::{Call, ask};
use crate::bindings::outgoing::OutgoingRequest;
use crate::plugin::error::CallError;

impl Call<'_> {
    /// From which number a conversation is begun.
    pub async fn proxy_address(self, request: OutgoingRequest) -> Result<String, CallError> {
        ask!(self, outgoing.call_proxy_address(&request))
    }
}
