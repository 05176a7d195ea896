//! Implements the roles that process messages and calls.

use frontgate_sdk::channel::{Connection, Event, InboundMessage, OutboundMessage, Request, SendReceipt, WebhookResult};
use frontgate_sdk::{
    Assignment, Call, Calls, Channel, Conversations, Error, InboundConversation, MessageAdd, MessageChanges,
    MessageVerdict, ParticipantAdded, ParticipantChanges, Result, Routing, random, state,
};

use crate::{Flawed, has};

impl Routing for Flawed {
    fn route(_: InboundConversation) -> Result<Option<Assignment>> {
        let worker = match (has("dice"), has("nameless")) {
            (true, _) => random::uuid(),
            (_, true) => String::new(),
            _ => "ana@example.org".to_owned(),
        };
        Ok(Some(Assignment::Worker(worker)))
    }
}

impl Conversations for Flawed {
    fn on_participant_added(_: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let no_customer =
            ParticipantChanges { customer_id: String::new(), display_name: None, avatar: None, overwrite: false };
        Ok(has("empty-customer").then_some(no_customer))
    }

    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        if event.body.is_empty() && has("no-pictures") {
            return Ok(MessageVerdict::Reject("empty".to_owned()));
        }
        let attributes = has("attributes").then(|| "no JSON".to_owned());
        Ok(MessageVerdict::Change(MessageChanges { body: None, author: None, attributes }))
    }
}

impl Calls for Flawed {
    fn log_call(call: Call) -> Result<()> {
        if has("logs-once") && state::increment(&call.call_sid, 1, None)? > 1 {
            return Err(Error::invalid("the entry exists"));
        }
        Ok(())
    }
}

impl Channel for Flawed {
    fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        if message.to.is_empty() {
            return Err(Error::invalid(if has("speechless") { "" } else { "the message has no recipient" }));
        }
        let (key, to) = (message.idempotency_key, message.to[0].handle.clone());
        let receipt = SendReceipt::new(&key, &to);
        let echo = InboundMessage::new(format!("echo-{key}"), &to, &to, "").html(message.text);
        Ok(if has("markup") { receipt.event(echo) } else { receipt })
    }

    fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if request.header("signed").is_some() {
            let message = InboundMessage::new("1", "1", "+12025550100", text);
            let html = message.body.as_str().to_owned();
            return Ok(WebhookResult::status(204).event(if has("careless") { message.html(html) } else { message }));
        }
        let event = InboundMessage::new("1", "1", "+12025550100", text);
        let mut result = WebhookResult::status(if has("credulous") { 204 } else { 403 });
        result.events.extend(has("credulous").then(|| Event::from(event)));
        Ok(result)
    }
}
