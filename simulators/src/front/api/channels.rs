//! The status of a channel, and the status of a message that the channel failed to deliver.

use serde_json::Value;

use crate::common::reply::Reply;
use crate::front::api::{ApiRequest, Done};
use crate::front::problem::Problem;
use crate::front::state::State;

fn status<'f>(fields: &'f Value, known: &[&str]) -> Result<&'f str, Problem> {
    let status = fields["status"].as_str().filter(|status| known.contains(status));
    status.ok_or_else(|| Problem::invalid(vec![format!("body.status: not one of {}", known.join(", "))]))
}

pub(crate) fn update(state: &mut State, channel: &str, fields: &Value) -> Result<Done, Problem> {
    let status = status(fields, &["offline", "ok"])?;
    let channel = state.world.channel_mut(channel).ok_or_else(Problem::not_found)?;
    channel.is_online = status == "ok";
    Ok(Reply::new(204, "").into())
}

pub(crate) fn message_status(
    state: &mut State,
    request: &ApiRequest,
    channel: &str,
    fields: &Value,
) -> Result<Done, Problem> {
    status(fields, &["failed"])?;
    let reason = match &fields["reason"] {
        Value::Null => None,
        Value::String(reason) => Some(reason.clone()),
        _ => return Err(Problem::invalid(vec!["body.reason: not a string".to_owned()])),
    };
    let conversation = state.world.thread(channel, request.name(1)).ok_or_else(Problem::not_found)?;
    let has_id = |external_id: Option<&str>| external_id == Some(request.name(2));
    let message = conversation.messages.iter().find(|message| has_id(message.external_id.as_deref()));
    let message = message.filter(|message| message.is_readable()).ok_or_else(Problem::not_found)?;
    if message.is_inbound {
        // [?] The status of this error is undocumented.
        return Err(Problem::invalid(vec!["message: not an outbound one".to_owned()]));
    }
    let id = message.id.clone();
    state.world.fail(&id, reason);
    Ok(Reply::new(204, "").into())
}
