//! The question of the outgoing role.

use frontgate_contract::bindings::outgoing::OutgoingRequest;

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// From which number a conversation is begun.
    pub async fn proxy_address(self, request: OutgoingRequest) -> Result<String, CallError> {
        ask!(self, outgoing.call_proxy_address(&request))
    }
}
