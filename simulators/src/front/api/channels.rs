//! New channels, the status of a channel, and the status of a message that the channel failed to deliver.

use serde_json::Value;

use crate::common::reply::Reply;
use crate::front::api::messages::unpublished;
use crate::front::api::{ApiRequest, Done};
use crate::front::draft::Connect;
use crate::front::problem::Problem;
use crate::front::record::Authorization;
use crate::front::state::{Shared, State};

fn status<'f>(fields: &'f Value, known: &[&str]) -> Result<&'f str, Problem> {
    let status = fields["status"].as_str().filter(|status| known.contains(status));
    status.ok_or_else(|| Problem::invalid(vec![format!("body.status: not one of {}", known.join(", "))]))
}

/// Rejects fields that are not published.
fn only(fields: &Value, known: &[&str]) -> Result<(), Problem> {
    let mut unknown = Vec::new();
    unpublished(fields, "", known, &mut unknown);
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Problem::invalid(unknown.iter().map(|name| format!("body.{name}: unknown field")).collect())),
    }
}

pub(crate) fn update(state: &mut State, channel: &str, fields: &Value) -> Result<Done, Problem> {
    let status = status(fields, &["offline", "ok"])?;
    only(fields, &["status"])?;
    let channel = state.world.channel_mut(channel).ok_or_else(Problem::not_found)?;
    channel.is_online = status == "ok";
    Ok(Reply::new(204, "").into())
}

/// Creates a channel of the app, with the API token of the company. Front authorizes it afterwards.
pub(crate) fn create(shared: &Shared, request: &ApiRequest) -> Result<Done, Problem> {
    if request.authorization != Authorization::Api {
        return Err(Problem::unauthorized("not an API token with the scope channels:write"));
    }
    if !request.name(0).starts_with("inb_") {
        return Err(Problem::not_found());
    }
    let fields = request.form.clone()?.fields;
    let mut problems = Vec::new();
    let known = ["type", "name", "settings", "send_as", "application_uid", "credentials"];
    let given = fields.as_object().into_iter().flatten().map(|(name, _)| name);
    problems.extend(given.filter(|name| !known.contains(&name.as_str())).map(|name| format!("body.{name}: unknown")));
    if fields["type"] != "custom" {
        problems.push("body.type: not custom".to_owned());
    }
    shared.update(|state| {
        if fields["application_uid"] != state.world.app {
            problems.push("body.application_uid: no such app".to_owned());
        }
        let Some(server_url) = state.settings.server_url.clone().filter(|_| problems.is_empty()) else {
            return Err(Problem::invalid(problems));
        };
        let credentials = &fields["credentials"];
        let token = credentials["access_token"].as_str().or(credentials["api_key"].as_str());
        let connect = Connect { token: token.map(str::to_owned), ..Connect::to(&server_url) };
        state.requests[request.index].acted = true;
        Ok(Done { created: Some((state.world.id("cha"), connect)), ..Reply::new(204, "").into() })
    })
}

pub(crate) fn message_status(
    state: &mut State,
    request: &ApiRequest,
    channel: &str,
    fields: &Value,
) -> Result<Done, Problem> {
    status(fields, &["failed"])?;
    only(fields, &["status", "reason"])?;
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
