//! Role `outgoing`: selects the number that a new conversation is sent from.

use frontgate_sdk::{Error, Outgoing, OutgoingRequest, Result, settings};

use crate::{Plugin, customers};

impl Outgoing for Plugin {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        if customers::find(&request.worker, &request.customer_id).is_none() {
            return Err(Error::NotFound);
        }
        // The operator's setting `number`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
        // configuration.
        let number = settings::get("number").unwrap_or_else(|| "+12025550199".to_owned());
        match request.channel.kind.as_str() {
            "sms" => Ok(number),
            "whatsapp" => Ok(format!("whatsapp:{number}")),
            other => Err(Error::invalid(format!("no number for {other}"))),
        }
    }
}
