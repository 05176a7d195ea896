//! Selects the number that a new conversation is sent from, by channel, worker and the customer's country.
//!
//! Workers write only to customers that they may see, at addresses that the CRM has for them, and to addresses that
//! belong to no customer.

use frontgate_sdk::{Outgoing, OutgoingRequest, Result};

/// The plugin.
pub struct Numbers;

frontgate_sdk::export!(Numbers: outgoing);

impl Outgoing for Numbers {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        numbers_rules::proxy_address(request, &[])
    }
}
