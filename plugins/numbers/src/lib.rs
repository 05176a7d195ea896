//! Selects the number that a new conversation is sent from, by channel, worker and the customer's country.
//!
//! Workers write only to customers that they may see, at addresses that the CRM has for them, and to addresses that
//! belong to no customer.

mod settings;

use frontgate_sdk::{ContactChannel, Customer, Error, Outgoing, OutgoingRequest, Result, address, directory, warn};

use crate::settings::Settings;

/// The plugin.
pub struct Numbers;

#[cfg(feature = "component")]
frontgate_sdk::export!(Numbers: outgoing);

impl Outgoing for Numbers {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        proxy_address(request, &[])
    }
}

/// Returns the number for a conversation. `other_keys` are settings that another plugin reads beside those of this one.
pub fn proxy_address(request: OutgoingRequest, other_keys: &[&str]) -> Result<String> {
    let settings = Settings::read(other_keys)?;
    let OutgoingRequest { worker, customer_id, mut channel } = request;
    channel.kind.make_ascii_lowercase();
    if settings.own_customers_only {
        check_customer(&worker, &customer_id, &channel)?;
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

/// Checks that the worker may write to this address: it is one of a visible customer's, or no customer's.
fn check_customer(worker: &str, customer_id: &str, channel: &ContactChannel) -> Result<()> {
    match directory::get_customer(worker, customer_id) {
        Ok(customer) if has(&customer, channel) => Ok(()),
        Ok(_) => Err(Error::Forbidden("the customer does not have this address".to_owned())),
        // Another worker's customer is not found, too, but the CRM finds that customer by address.
        Err(Error::NotFound) => match directory::find_customer(&channel.value)? {
            Some(_) => Err(Error::NotFound),
            None => Ok(()),
        },
        Err(error) => Err(error),
    }
}

/// Returns whether the CRM has this address for the customer. Kinds that the CRM does not use, such as calls, may use
/// any of the customer's numbers.
fn has(customer: &Customer, asked: &ContactChannel) -> bool {
    let own_kind = matches!(asked.kind.as_str(), "sms" | "whatsapp" | "chat");
    customer.channels.iter().any(|channel| {
        (!own_kind || channel.kind == asked.kind) && address::number(&channel.value) == address::number(&asked.value)
    })
}
