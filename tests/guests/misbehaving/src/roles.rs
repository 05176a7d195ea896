//! Implements the roles other than `crm`: a field of each request is the instruction.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use frontgate_sdk::{
    Assignment, Call, Calls, Category, ConversationAdd, ConversationChanges, ConversationRemove, ConversationUpdate,
    ConversationUpdateVerdict, ConversationVerdict, Conversations, Error, InboundConversation, MessageAdd,
    MessageChanges, MessageRemove, MessageUpdate, MessageVerdict, OtherEvent, Outgoing, OutgoingRequest,
    ParticipantAdd, ParticipantAdded, ParticipantChanges, ParticipantRemove, ParticipantUpdate, Result, Routing,
    Template, TemplateRequest, Templates, UserUpdate, Verdict, directory, settings, warn,
};

use crate::{Misbehaving, state};

/// Executes an instruction to misbehave, and ignores other instructions.
pub(crate) fn misbehave(instruction: &str) -> Result<()> {
    let (what, how) = instruction.split_once(' ').unwrap_or((instruction, ""));
    match what {
        "loop" => loop {
            black_box(0);
        },
        "compute" => {
            let until = Instant::now() + Duration::from_millis(how.parse().unwrap_or_default());
            while Instant::now() < until {
                black_box(0);
            }
        }
        "sleep" => sleep(Duration::from_millis(how.parse().unwrap_or_default())),
        "panic" => panic!("instructed panic"),
        "not-found" => return Err(Error::NotFound),
        "forbidden" => return Err(Error::Forbidden("the text for the log".to_owned())),
        "invalid" => return Err(Error::Invalid("the text for the log".to_owned())),
        "unavailable" => return Err(Error::unavailable("the text for the log")),
        "failed" => return Err(Error::failed("the text for the log")),
        _ => {}
    }
    Ok(())
}

/// Calls a function of the SDK's `directory`, and returns the result as text.
fn ask_directory(how: &str) -> String {
    match how.split_once(' ') {
        Some(("get", id)) => format!("{:?}", directory::get_customer("ana@example.org", id).map(|got| got.customer_id)),
        Some(("find-often", address)) => {
            let found = (0..20).filter(|_| directory::find_customer(address).is_ok_and(|found| found.is_some()));
            found.count().to_string()
        }
        Some(("find", address)) => {
            format!("{:?}", directory::find_customer(address).map(|found| found.map(|found| found.customer_id)))
        }
        _ => "unknown instruction".to_owned(),
    }
}

impl Templates for Misbehaving {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        let instruction = request.customer_id.clone().unwrap_or_default();
        misbehave(&instruction)?;
        let (what, how) = instruction.split_once(' ').unwrap_or((&instruction, ""));
        let many: usize = how.parse().unwrap_or_default();
        Ok(match what {
            "directory" => vec![Category::new("Directory", [Template::new(ask_directory(how))])],
            "state" => vec![Category::new("State", [Template::new(state::script(how)?)])],
            "many" => {
                (0..many).map(|i| Category::new(format!("{i}"), vec![Template::new("ä\"".repeat(50)); 10])).collect()
            }
            "odd" => vec![
                Category::new("two\nlines", [Template::new("text"), Template::new("  ")]),
                Category::new("", [Template::new("without a heading")]),
                Category::new("empty", []),
                Category::new("approved", [Template::new("line\nline").whatsapp_approved()]),
            ],
            _ => vec![Category::new("Request", [Template::new(format!("{request:?}"))])],
        })
    }
}

impl Outgoing for Misbehaving {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        misbehave(&request.customer_id)?;
        match request.customer_id.as_str() {
            "request" => Err(Error::failed(format!("{request:?}"))),
            number => Ok(number.to_owned()),
        }
    }
}

impl Routing for Misbehaving {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        let instruction = settings::get("route").or(conversation.friendly_name.clone()).unwrap_or_default();
        misbehave(&instruction)?;
        if instruction == "event" {
            warn!("{conversation:?}");
        }
        Ok(match instruction.split_once(' ') {
            Some(("worker", name)) => Some(Assignment::worker(name)),
            Some(("one-of", names)) => Some(Assignment::one_of(names.split(' '))),
            _ => None,
        })
    }
}

/// Follows the instruction in an event that cannot be changed.
fn decide(instruction: &str) -> Result<Verdict> {
    misbehave(instruction)?;
    Ok(if instruction == "reject" { Verdict::reject("the text for the log") } else { Verdict::Accept })
}

/// Follows the instruction in a message's text.
fn decide_message(instruction: &str, event: &dyn std::fmt::Debug) -> Result<MessageVerdict> {
    misbehave(instruction)?;
    let text = |text: &str| Some(text.to_owned());
    Ok(match instruction {
        "reject" => MessageVerdict::reject("the text for the log"),
        "event" => MessageChanges::none().body(format!("{event:?}")).into(),
        "change" => MessageVerdict::Change(MessageChanges {
            body: text("changed"),
            author: None,
            attributes: text("{\"changed\":true}"),
        }),
        "bad-change" => {
            MessageVerdict::Change(MessageChanges { body: None, author: None, attributes: text("not json") })
        }
        _ => MessageVerdict::Accept,
    })
}

/// Returns the instruction in an event's attributes, which are a JSON object with one text.
fn instruction_in(attributes: &str) -> &str {
    attributes.split('"').nth(3).unwrap_or_default()
}

impl Conversations for Misbehaving {
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationVerdict> {
        let named = settings::get("name").map(|name| format!("named {name}"));
        let instruction = event.message_body.clone().or(named).unwrap_or_default();
        misbehave(&instruction)?;
        let avatar = instruction.strip_prefix("avatar ").map(str::to_owned);
        let friendly_name = match instruction.as_str() {
            "reject" => return Ok(ConversationVerdict::reject("the text for the log")),
            "accept" => return Ok(ConversationVerdict::Accept),
            "event" => Some(format!("{event:?}")),
            "nothing" => None,
            named => Some(named.strip_prefix("named ").unwrap_or("a name\nof two lines").to_owned()),
        };
        Ok(ConversationChanges { friendly_name, avatar }.into())
    }

    fn on_conversation_update(event: ConversationUpdate) -> Result<ConversationUpdateVerdict> {
        let instruction = event.friendly_name.clone().unwrap_or_default();
        misbehave(&instruction)?;
        Ok(match instruction.as_str() {
            "reject" => ConversationUpdateVerdict::reject("the text for the log"),
            "change" => ConversationUpdateVerdict::named("a name\nof two lines"),
            "event" => ConversationUpdateVerdict::named(format!("{event:?}")),
            _ => ConversationUpdateVerdict::Accept,
        })
    }

    fn on_conversation_remove(event: ConversationRemove) -> Result<Verdict> {
        decide(&event.friendly_name.unwrap_or_default())
    }

    fn on_participant_add(event: ParticipantAdd) -> Result<Verdict> {
        decide(instruction_in(&event.attributes))
    }

    fn on_participant_update(event: ParticipantUpdate) -> Result<Verdict> {
        decide(instruction_in(&event.attributes))
    }

    fn on_participant_remove(event: ParticipantRemove) -> Result<Verdict> {
        decide(instruction_in(&event.attributes))
    }

    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let instruction = settings::get("participant").unwrap_or_default();
        misbehave(&instruction)?;
        let address = event.address.or(event.identity);
        let customer = address.map(|address| directory::find_customer(&address)).transpose()?.flatten();
        Ok(customer.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: None,
            avatar: Some("no picture".to_owned()),
            overwrite: instruction == "overwrite",
        }))
    }

    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        decide_message(&event.body, &event)
    }

    fn on_message_update(event: MessageUpdate) -> Result<MessageVerdict> {
        decide_message(&event.body, &event)
    }

    fn on_message_remove(event: MessageRemove) -> Result<Verdict> {
        decide(&event.body)
    }

    fn on_user_update(event: UserUpdate) -> Result<Verdict> {
        decide(&event.friendly_name.unwrap_or_default())
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        misbehave(&settings::get("event").unwrap_or_default())?;
        warn!("{} {}", event.event_type, event.field("MessageSid").unwrap_or("-"));
        Ok(())
    }
}

impl Calls for Misbehaving {
    fn log_call(call: Call) -> Result<()> {
        misbehave(&settings::get("call").unwrap_or_default())?;
        // Whole numbers and names must not be in the log.
        warn!("logged {}", format!("{call:?}").replace("+1202555", "...").replace("@example.org", "@..."));
        Ok(())
    }
}
