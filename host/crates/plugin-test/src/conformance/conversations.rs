//! Conformance checks of the role `conversations`. The events are decoded from forms, as Twilio's are.

use frontgate_contract::bindings::conversations::{MessageVerdict, OtherEvent, ParticipantChanges};
use frontgate_runtime::CallError;
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::CallbackResponse;
use frontgate_twilio_callbacks::conversations as callback;
use frontgate_twilio_callbacks::conversations::{Event, PreEvent};
use frontgate_twilio_callbacks::error::EncodeError;

use super::{Checker, Problem, UNKNOWN_ADDRESS, Verdict, WORKER, ensure};

const CONVERSATION: (&str, &str) = ("ConversationSid", "CH00000000000000000000000000000000");
const PARTICIPANT: (&str, &str) = ("ParticipantSid", "MB00000000000000000000000000000000");
const MESSAGE: (&str, &str) = ("MessageSid", "IM00000000000000000000000000000000");
const USER: (&str, &str) = ("UserSid", "US00000000000000000000000000000000");
const ADDRESS: (&str, &str) = ("MessagingBinding.Address", UNKNOWN_ADDRESS);

type Pairs<'p> = &'p [(&'p str, &'p str)];

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("Twilio accepts the changes to a conversation", conversation).await;
    checker.check("Twilio accepts the changes to a participant", participant).await;
    checker.check("every kind of message is answered, and changed messages stay valid", message).await;
    checker.check("every other pre-event is answered", pre_events).await;
    checker.check("unknown and repeated events are accepted", event).await;
}

/// Returns the event that the gateway would decode from these fields.
fn decoded(name: &str, pairs: Pairs<'_>) -> Result<Event, Problem> {
    let common = [("EventType", name), ("RetryCount", "0")];
    let pairs = [&common, pairs].concat();
    let form = Form::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    callback::decode(&form, &[]).map_err(|error| Problem::Failed(error.to_string()))
}

async fn conversation(checker: &Checker<'_>) -> Verdict {
    for (addresses, pairs) in [(1, &[ADDRESS, ("MessageBody", "Hello")][..]), (0, &[])] {
        let what = format!("conversations.on-conversation-add with {addresses} addresses");
        let Event::ConversationAdd(event) = decoded("onConversationAdd", pairs)? else { continue };
        let asked = event.clone();
        let verdict = checker.call(&what, async |call| call.on_conversation_add(asked).await).await?;
        if let Ok(Ok(answer)) = verdict.map(|verdict| callback::conversation(verdict, &event)) {
            ensure(answer.left_out == 0, || {
                format!("{what}: Twilio would reject the avatar; it must be an absolute URL")
            })?;
        }
    }
    Ok(())
}

async fn participant(checker: &Checker<'_>) -> Verdict {
    let identity = ("Identity", WORKER);
    for (kind, who) in [
        ("an address", &[ADDRESS, ("Attributes", "{}")][..]),
        ("neither address nor identity", &[]),
        ("attributes that are not JSON", &[ADDRESS, ("Attributes", "{")]),
        ("an identity", &[identity]),
    ] {
        let what = format!("conversations.on-participant-added with {kind}");
        let pairs = [&[CONVERSATION, PARTICIPANT], who].concat();
        let Event::ParticipantAdded(event) = decoded("onParticipantAdded", &pairs)? else { continue };
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
    for (name, function) in [("onMessageAdd", "on-message-add"), ("onMessageUpdate", "on-message-update")] {
        for body in ["Hello", "", "日本 \u{1f98a}", &long] {
            let what = format!("conversations.{function} of {} bytes", body.len());
            let pairs = [CONVERSATION, MESSAGE, ("Author", UNKNOWN_ADDRESS), ("Body", body)];
            let event = decoded(name, &pairs)?;
            let verdict = match event {
                Event::Pre(PreEvent::MessageAdd(event)) => {
                    checker.call(&what, async |call| call.on_message_add(event).await).await?
                }
                Event::Pre(PreEvent::MessageUpdate(event)) => {
                    checker.call(&what, async |call| call.on_message_update(event).await).await?
                }
                _ => continue,
            };
            let Ok(verdict) = verdict else { continue };
            check_message(&what, body, verdict)?;
        }
    }
    Ok(())
}

fn check_message(what: &str, body: &str, verdict: MessageVerdict) -> Verdict {
    match verdict {
        MessageVerdict::Reject(_) if body.is_empty() => {
            Err(Problem::Failed(format!("{what} was rejected: a message without a text holds a picture or a file")))
        }
        MessageVerdict::Change(_) => {
            let answer = callback::message(verdict).map_err(|error| Problem::Failed(error.to_string()))?;
            ensure(answer.left_out == 0, || format!("{what}: `attributes` is not a JSON object"))
        }
        MessageVerdict::Reject(_) | MessageVerdict::Accept => Ok(()),
    }
}

/// Checks the events that neither add a conversation nor add or update a message.
async fn pre_events(checker: &Checker<'_>) -> Verdict {
    for (name, pairs) in [
        ("onConversationUpdate", &[CONVERSATION, ("State", "closed")][..]),
        ("onConversationRemove", &[CONVERSATION]),
        ("onParticipantAdd", &[CONVERSATION, ADDRESS]),
        ("onParticipantUpdate", &[CONVERSATION, PARTICIPANT, ("Identity", WORKER), ("LastReadMessageIndex", "7")]),
        ("onParticipantRemove", &[CONVERSATION, PARTICIPANT, ADDRESS]),
        ("onMessageRemove", &[CONVERSATION, MESSAGE]),
        ("onUserUpdate", &[USER, ("Identity", WORKER), ("isOnline", "true")]),
    ] {
        let Event::Pre(event) = decoded(name, pairs)? else { continue };
        let what = format!("the plugin's answer to {name}");
        if let Ok(Ok(answer)) = asked(checker, &what, event).await? {
            ensure(answer.left_out == 0, || format!("{what}: `friendly-name` is blank"))?;
        }
    }
    Ok(())
}

type Answer = Result<Result<CallbackResponse, EncodeError>, CallError>;

/// Calls the plugin's handler of a pre-event, and encodes its answer.
async fn asked(checker: &Checker<'_>, what: &str, event: PreEvent) -> Result<Answer, Problem> {
    macro_rules! ask {
        ($function:ident, $event:ident, $encode:ident) => {
            checker.call(what, async |call| call.$function($event).await).await?.map(callback::$encode)
        };
    }
    Ok(match event {
        PreEvent::ConversationUpdate(event) => ask!(on_conversation_update, event, conversation_update),
        PreEvent::ConversationRemove(event) => ask!(on_conversation_remove, event, verdict),
        PreEvent::ParticipantAdd(event) => ask!(on_participant_add, event, verdict),
        PreEvent::ParticipantUpdate(event) => ask!(on_participant_update, event, verdict),
        PreEvent::ParticipantRemove(event) => ask!(on_participant_remove, event, verdict),
        PreEvent::MessageAdd(event) => ask!(on_message_add, event, message),
        PreEvent::MessageUpdate(event) => ask!(on_message_update, event, message),
        PreEvent::MessageRemove(event) => ask!(on_message_remove, event, verdict),
        PreEvent::UserUpdate(event) => ask!(on_user_update, event, verdict),
    })
}

async fn event(checker: &Checker<'_>) -> Verdict {
    for name in ["onSomethingNew", "onMessageAdded", "onMessageAdded"] {
        let what = format!("conversations.on-event of {name}");
        let fields = [("EventType", name), CONVERSATION, ("Twice", "1"), ("Twice", "2")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let event = OtherEvent { event_type: name.to_owned(), fields };
        let _ = checker.call(&what, async |call| call.on_event(event).await).await?;
    }
    Ok(())
}
