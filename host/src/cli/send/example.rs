//! Example forms of Twilio's callbacks.

/// Fields of a form.
pub(super) type Fields = Vec<(String, String)>;

const WORKER: (&str, &str) = ("Worker", "ana@example.org");
const CUSTOMER: (&str, &str) = ("CustomerId", "c-001");
const NUMBER: (&str, &str) = ("MessagingBinding.Address", "+12125550143");
const OURS: (&str, &str) = ("MessagingBinding.ProxyAddress", "+12025550199");

pub(super) fn crm(details: bool) -> Fields {
    match details {
        true => fields(&[WORKER, ("Location", "GetCustomerDetailsByCustomerId")]),
        false => fields(&[("PageSize", "30"), WORKER, ("Location", "GetCustomersList")]),
    }
}

pub(super) fn templates() -> Fields {
    with_sids(&[WORKER, CUSTOMER, ("Location", "GetTemplatesByCustomerId")], &["ConversationSid"])
}

pub(super) fn outgoing() -> Fields {
    let channel = [("ChannelType", "sms"), ("ChannelValue", "+12125550143")];
    fields(&[&[WORKER, CUSTOMER, ("Location", "GetProxyAddress")], &channel[..]].concat())
}

pub(super) fn routing() -> Fields {
    let about = [("FriendlyName", ""), ("UniqueName", ""), ("Attributes", "{}"), ("State", "active")];
    with_sids(&[&about[..], &[NUMBER, OURS]].concat(), &["ConversationSid", "ConversationServiceSid"])
}

/// Returns the form of a webhook. Twilio has about twenty event types.
pub(super) fn conversations(event: &str) -> Fields {
    let common = [
        ("EventType", event),
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("Attributes", "{}"),
        ("Source", "SMS"),
        ("RetryCount", "0"),
    ];
    let (more, sids): (&[(&str, &str)], &[&str]) = match event {
        "onConversationAdd" => {
            (&[NUMBER, OURS, ("MessageBody", "Hello"), ("State", "active"), ("FriendlyName", "")], &["ChatServiceSid"])
        }
        _ if event.starts_with("onMessage") => {
            let message = &[("Body", "Hello"), ("Author", "+12125550143"), ("Index", "0")];
            (message, &["ConversationSid", "ParticipantSid", "MessageSid", "ChatServiceSid"])
        }
        _ if event.starts_with("onParticipant") => {
            let binding = &[NUMBER, OURS, ("MessagingBinding.Type", "sms")];
            (binding, &["ConversationSid", "ParticipantSid", "ChatServiceSid"])
        }
        _ if event.starts_with("onDelivery") => {
            (&[("Status", "delivered")], &["ConversationSid", "MessageSid", "DeliveryReceiptSid", "ChatServiceSid"])
        }
        _ if event.starts_with("onUser") => (&[("Identity", "ana@example.org")], &["UserSid", "ChatServiceSid"]),
        _ => (&[("State", "active")], &["ConversationSid", "ChatServiceSid"]),
    };
    with_sids(&[&common[..], more].concat(), sids)
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Adds random SIDs, because the gateway discards a repeated event.
fn with_sids(pairs: &[(&str, &str)], sids: &[&str]) -> Fields {
    let mut all = fields(pairs);
    for name in sids {
        let prefix = match *name {
            "ConversationSid" => "CH",
            "ParticipantSid" => "MB",
            "MessageSid" => "IM",
            "UserSid" => "US",
            "DeliveryReceiptSid" => "DY",
            _ => "IS",
        };
        all.push(((*name).to_owned(), format!("{prefix}{}", uuid::Uuid::new_v4().simple())));
    }
    all
}
