//! Selects the number that a new conversation is sent from, by channel, worker and the customer's country.
//!
//! Workers write only to customers that they may see, at addresses that the CRM has for them.

mod settings;

use frontgate_sdk::{ContactChannel, Customer, Error, Outgoing, OutgoingRequest, Result, address, directory, warn};

use crate::settings::Settings;

/// The plugin.
pub struct Numbers;

frontgate_sdk::export!(Numbers: outgoing);

impl Outgoing for Numbers {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        let settings = Settings::read()?;
        let OutgoingRequest { worker, customer_id, mut channel } = request;
        channel.kind.make_ascii_lowercase();
        if settings.own_customers_only && !has(&directory::get_customer(&worker, &customer_id)?, &channel) {
            return Err(Error::Forbidden("the customer does not have this address".to_owned()));
        }
        let numbers = settings.numbers(&worker, &channel);
        if numbers.is_empty() {
            warn!("no number is configured for the channel `{}`", channel.kind);
            return Err(Error::NotFound);
        }
        let Some(number) = numbers.into_iter().find(|number| *number != address::number(&channel.value)) else {
            let problem = format!("every number for the channel `{}` is the customer's own", channel.kind);
            return Err(Error::Invalid(problem));
        };
        Ok(match channel.kind.as_str() {
            "whatsapp" => format!("whatsapp:{number}"),
            _ => number.to_owned(),
        })
    }
}

/// Returns whether the CRM has this address for the customer. Kinds that the CRM does not use, such as calls, may use
/// any of the customer's numbers.
fn has(customer: &Customer, asked: &ContactChannel) -> bool {
    let own_kind = matches!(asked.kind.as_str(), "sms" | "whatsapp");
    customer.channels.iter().any(|channel| {
        (!own_kind || channel.kind == asked.kind) && address::number(&channel.value) == address::number(&asked.value)
    })
}
