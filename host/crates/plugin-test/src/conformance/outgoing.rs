//! The role `outgoing`.

use frontgate_contract::bindings::outgoing::OutgoingRequest;
use frontgate_contract::bindings::plugin_types::ContactChannel;
use frontgate_twilio_callbacks::error::EncodeError;
use frontgate_twilio_callbacks::outgoing as callback;

use super::{Problem, STRANGE_IDS, Tries, Verdict};

/// Channels as Frontline asks for them, with addresses of nobody's.
const CHANNELS: [(&str, &str); 4] = [
    ("sms", "+12025550100"),
    ("whatsapp", "whatsapp:+12025550100"),
    ("voice", "+12025550100"),
    ("sms", "+442079460100"),
];

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("a number is one that Frontline takes", numbers).await;
    tries.check("unknown customers, workers and channels are no crash", strangers).await;
}

async fn numbers(tries: &Tries<'_>) -> Verdict {
    let known = tries.bench.project.conformance.customer.clone();
    let customer_id = known.unwrap_or_else(|| STRANGE_IDS[0].to_owned());
    let mut given = 0;
    for (kind, value) in CHANNELS {
        let what = format!("outgoing.proxy-address for {kind} {value}");
        let channel = ContactChannel { kind: kind.to_owned(), value: value.to_owned() };
        let request =
            OutgoingRequest { worker: tries.worker(), customer_id: customer_id.clone(), channel: channel.clone() };
        if let Ok(number) = tries.ask(&what, async |call| call.proxy_address(request).await).await? {
            given += 1;
            callback::encode(&number, &channel).map_err(|error| {
                let remedy = match error {
                    EncodeError::ProxyIsContact => "that is the customer's own number",
                    _ => "numbers are E.164 (+12025550199), WhatsApp's begin with `whatsapp:`",
                };
                Problem::Failed(format!("{what} gave {number:?}: {remedy}"))
            })?;
        }
    }
    match given {
        0 => Err(Problem::Skipped(
            "it gave no number for a customer whom it does not know; name one in plugin.toml: [conformance] customer"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

async fn strangers(tries: &Tries<'_>) -> Verdict {
    for id in STRANGE_IDS {
        let what = format!("outgoing.proxy-address for the customer, worker and channel {id:?}");
        let channel = ContactChannel { kind: id.to_owned(), value: id.to_owned() };
        let request = OutgoingRequest { worker: id.to_owned(), customer_id: id.to_owned(), channel };
        // A number that is none is caught by the gateway; here it must only answer.
        let _ = tries.ask(&what, async |call| call.proxy_address(request).await).await?;
    }
    Ok(())
}
