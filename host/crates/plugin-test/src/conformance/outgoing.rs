//! Conformance checks of the role `outgoing`.

use frontgate_contract::bindings::outgoing::OutgoingRequest;
use frontgate_contract::bindings::plugin_types::ContactChannel;
use frontgate_twilio_callbacks::error::EncodeError;
use frontgate_twilio_callbacks::outgoing as callback;

use super::{Checker, Problem, STRANGE_IDS, Verdict};

/// Channels in the form in which Frontline sends them, with unknown addresses.
const CHANNELS: [(&str, &str); 4] = [
    ("sms", "+12025550100"),
    ("whatsapp", "whatsapp:+12025550100"),
    ("voice", "+12025550100"),
    ("sms", "+442079460100"),
];

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("Frontline accepts the number", numbers).await;
    checker.check("unknown customers, workers and channels do not crash the plugin", strangers).await;
}

async fn numbers(checker: &Checker<'_>) -> Verdict {
    let known = checker.harness.project.conformance.customer.clone();
    let customer_id = known.unwrap_or_else(|| STRANGE_IDS[0].to_owned());
    let mut given = 0;
    for (kind, value) in CHANNELS {
        let what = format!("outgoing.proxy-address for {kind} {value}");
        let channel = ContactChannel { kind: kind.to_owned(), value: value.to_owned() };
        let request =
            OutgoingRequest { worker: checker.worker(), customer_id: customer_id.clone(), channel: channel.clone() };
        if let Ok(number) = checker.call(&what, async |call| call.proxy_address(request).await).await? {
            given += 1;
            callback::encode(&number, &channel).map_err(|error| {
                let remedy = match error {
                    EncodeError::ProxyIsContact => "that is the customer's own number",
                    _ => "numbers are E.164 (+12025550199), those of WhatsApp start with `whatsapp:`",
                };
                Problem::Failed(format!("{what} returned {number:?}: {remedy}"))
            })?;
        }
    }
    match given {
        0 => Err(Problem::Skipped(
            "the plugin returned no number for an unknown customer; name a known one in plugin.toml: [conformance] \
             customer"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

async fn strangers(checker: &Checker<'_>) -> Verdict {
    for id in STRANGE_IDS {
        let what = format!("outgoing.proxy-address for the customer, worker and channel {id:?}");
        let channel = ContactChannel { kind: id.to_owned(), value: id.to_owned() };
        let request = OutgoingRequest { worker: id.to_owned(), customer_id: id.to_owned(), channel };
        // The plugin only has to answer: the gateway rejects an invalid number.
        let _ = checker.call(&what, async |call| call.proxy_address(request).await).await?;
    }
    Ok(())
}
