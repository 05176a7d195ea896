//! Conformance checks of the role `conversations`.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, ParticipantChanges,
};
use frontgate_twilio_callbacks::conversations as callback;

use super::{Checker, Problem, UNKNOWN_ADDRESS, Verdict, ensure};

const CONVERSATION: &str = "CH00000000000000000000000000000000";
const PARTICIPANT: &str = "MB00000000000000000000000000000000";

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("Twilio accepts the changes to a conversation", conversation).await;
    checker.check("Twilio accepts the changes to a participant", participant).await;
    checker.check("every kind of message is answered, and changed messages stay valid", message).await;
    checker.check("unknown and repeated events are accepted", event).await;
}

async fn conversation(checker: &Checker<'_>) -> Verdict {
    for (addresses, body) in [(vec![UNKNOWN_ADDRESS.to_owned()], Some("Hello")), (Vec::new(), None)] {
        let what = format!("conversations.on-conversation-add with {} addresses", addresses.len());
        let event = ConversationAdd {
            addresses,
            proxy_address: None,
            author: None,
            message_body: body.map(str::to_owned),
            attributes: "{}".to_owned(),
        };
        let asked = event.clone();
        if let Ok(changes) = checker.call(&what, async |call| call.on_conversation_add(asked).await).await? {
            let answer = callback::encode_conversation(&changes, &event);
            ensure(answer.left_out == 0, || {
                format!("{what}: Twilio would reject the avatar; it must be an absolute URL")
            })?;
        }
    }
    Ok(())
}

async fn participant(checker: &Checker<'_>) -> Verdict {
    for (address, attributes) in [(Some(UNKNOWN_ADDRESS), "{}"), (None, "{}"), (Some(UNKNOWN_ADDRESS), "{")] {
        let what = format!("conversations.on-participant-added of {address:?}");
        let event = ParticipantAdded {
            conversation_sid: CONVERSATION.to_owned(),
            participant_sid: PARTICIPANT.to_owned(),
            address: address.map(str::to_owned),
            proxy_address: None,
            attributes: attributes.to_owned(),
        };
        let added = checker.call(&what, async |call| call.on_participant_added(event).await).await?;
        if let Ok(Some(ParticipantChanges { customer_id, .. })) = added {
            ensure(!customer_id.trim().is_empty(), || {
                format!("{what} returned an empty customer-id; return none for an unknown customer")
            })?;
        }
    }
    Ok(())
}

async fn message(checker: &Checker<'_>) -> Verdict {
    let long = "x".repeat(1_600);
    for body in ["Hello", "", "日本 \u{1f98a}", &long] {
        let what = format!("conversations.on-message-add of {} bytes", body.len());
        let event = MessageAdd {
            conversation_sid: CONVERSATION.to_owned(),
            author: UNKNOWN_ADDRESS.to_owned(),
            body: body.to_owned(),
            attributes: "{}".to_owned(),
        };
        let verdict = checker.call(&what, async |call| call.on_message_add(event).await).await?;
        let Ok(verdict) = verdict else { continue };
        match &verdict {
            MessageVerdict::Change(_) => {
                let answer = callback::encode_verdict(verdict).map_err(|error| Problem::Failed(error.to_string()))?;
                ensure(answer.left_out == 0, || format!("{what}: `attributes` is not a JSON object"))?;
            }
            MessageVerdict::Reject(_) if body.is_empty() => {
                return Err(Problem::Failed(format!(
                    "{what} was rejected: a message without a text holds a picture or a file"
                )));
            }
            MessageVerdict::Reject(_) | MessageVerdict::Accept => {}
        }
    }
    Ok(())
}

async fn event(checker: &Checker<'_>) -> Verdict {
    for name in ["onSomethingNew", "onMessageAdded", "onMessageAdded"] {
        let what = format!("conversations.on-event of {name}");
        let fields = [("EventType", name), ("ConversationSid", CONVERSATION), ("Twice", "1"), ("Twice", "2")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let event = OtherEvent { event_type: name.to_owned(), fields };
        let _ = checker.call(&what, async |call| call.on_event(event).await).await?;
    }
    Ok(())
}
