//! The role `conversations`.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, ParticipantChanges,
};
use frontgate_twilio_callbacks::conversations as callback;

use super::{NOBODY, Problem, Tries, Verdict, ensure};

const CONVERSATION: &str = "CH00000000000000000000000000000000";
const PARTICIPANT: &str = "MB00000000000000000000000000000000";

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("how a conversation shall look is something that Twilio takes", conversation).await;
    tries.check("what a participant shall say is something that Twilio takes", participant).await;
    tries.check("messages of any kind are answered, and changed ones stay messages", message).await;
    tries.check("an event that nobody knows, and one that comes twice, are taken note of", event).await;
}

async fn conversation(tries: &Tries<'_>) -> Verdict {
    for (addresses, body) in [(vec![NOBODY.to_owned()], Some("Hello")), (Vec::new(), None)] {
        let what = format!("conversations.on-conversation-add with {} addresses", addresses.len());
        let event = ConversationAdd {
            addresses,
            proxy_address: None,
            author: None,
            message_body: body.map(str::to_owned),
            attributes: "{}".to_owned(),
        };
        let asked = event.clone();
        if let Ok(changes) = tries.ask(&what, async |call| call.on_conversation_add(asked).await).await? {
            let answer = callback::encode_conversation(&changes, &event);
            ensure(answer.left_out == 0, || {
                format!("{what}: Twilio would not take the avatar: it is an absolute URL")
            })?;
        }
    }
    Ok(())
}

async fn participant(tries: &Tries<'_>) -> Verdict {
    for (address, attributes) in [(Some(NOBODY), "{}"), (None, "{}"), (Some(NOBODY), "{")] {
        let what = format!("conversations.on-participant-added of {address:?}");
        let event = ParticipantAdded {
            conversation_sid: CONVERSATION.to_owned(),
            participant_sid: PARTICIPANT.to_owned(),
            address: address.map(str::to_owned),
            proxy_address: None,
            attributes: attributes.to_owned(),
        };
        let added = tries.ask(&what, async |call| call.on_participant_added(event).await).await?;
        if let Ok(Some(ParticipantChanges { customer_id, .. })) = added {
            ensure(!customer_id.trim().is_empty(), || {
                format!("{what} gave an empty customer-id; answer none where the CRM knows nobody")
            })?;
        }
    }
    Ok(())
}

async fn message(tries: &Tries<'_>) -> Verdict {
    let long = "x".repeat(1_600);
    for body in ["Hello", "", "日本 \u{1f98a}", &long] {
        let what = format!("conversations.on-message-add of {} bytes", body.len());
        let event = MessageAdd {
            conversation_sid: CONVERSATION.to_owned(),
            author: NOBODY.to_owned(),
            body: body.to_owned(),
            attributes: "{}".to_owned(),
        };
        let verdict = tries.ask(&what, async |call| call.on_message_add(event).await).await?;
        let Ok(verdict) = verdict else { continue };
        match &verdict {
            MessageVerdict::Change(_) => {
                let answer = callback::encode_verdict(verdict).map_err(|error| Problem::Failed(error.to_string()))?;
                ensure(answer.left_out == 0, || format!("{what}: `attributes` is no JSON object"))?;
            }
            MessageVerdict::Reject(_) if body.is_empty() => {
                return Err(Problem::Failed(format!(
                    "{what} was rejected: a message without a text is a picture or a file"
                )));
            }
            MessageVerdict::Reject(_) | MessageVerdict::Accept => {}
        }
    }
    Ok(())
}

async fn event(tries: &Tries<'_>) -> Verdict {
    for name in ["onSomethingNew", "onMessageAdded", "onMessageAdded"] {
        let what = format!("conversations.on-event of {name}");
        let fields = [("EventType", name), ("ConversationSid", CONVERSATION), ("Twice", "1"), ("Twice", "2")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let event = OtherEvent { event_type: name.to_owned(), fields };
        let _ = tries.ask(&what, async |call| call.on_event(event).await).await?;
    }
    Ok(())
}
