//! Reads with a channel's token: messages, conversations and files of that channel.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use uuid::Uuid;

use crate::common::reply::Reply;
use crate::front::api::{ApiRequest, Done};
use crate::front::model::{Conversation, Message};
use crate::front::payload;
use crate::front::problem::Problem;
use crate::front::settings::Downloads;
use crate::front::state::{Grant, Shared, State};
use crate::front::world::World;

fn read(body: &Value) -> Done {
    Reply::new(200, body.to_string()).into()
}

/// Finds a message. Messages of other channels and unfinished imports do not exist for the caller.
fn readable<'w>(world: &'w World, name: &str, channel: &str) -> Result<(&'w Conversation, &'w Message), Problem> {
    let found = world.message(name).filter(|(known, message)| known.channel == channel && message.is_readable());
    found.ok_or_else(Problem::not_found)
}

pub(crate) fn message(world: &World, request: &ApiRequest, channel: &str, base: &str) -> Result<Done, Problem> {
    let (conversation, message) = readable(world, request.name(0), channel)?;
    Ok(read(&payload::message(world, conversation, message, base)))
}

pub(crate) fn conversation(world: &World, request: &ApiRequest, channel: &str, base: &str) -> Result<Done, Problem> {
    let found = world.conversation(request.name(0)).filter(|known| known.channel == channel);
    Ok(read(&payload::conversation(found.ok_or_else(Problem::not_found)?, base)))
}

pub(crate) fn download(
    state: &mut State,
    shared: &Shared,
    request: &ApiRequest,
    channel: &str,
) -> Result<Done, Problem> {
    let (_, message) = readable(&state.world, request.name(0), channel)?;
    let file = message.attachments.iter().find(|file| file.id == request.name(1)).ok_or_else(Problem::not_found)?;
    let content = file.content.clone().ok_or_else(Problem::not_found)?;
    let content_type = file.content_type.clone();
    let location = match &state.settings.downloads {
        Downloads::Bytes => return Ok(Reply::new(200, content).header("content-type", content_type).into()),
        Downloads::RedirectTo(url) => url.clone(),
        Downloads::Redirect => {
            let secret = Uuid::new_v4().simple().to_string();
            let name = utf8_percent_encode(&file.filename, NON_ALPHANUMERIC);
            let location = format!("{}/{}/{name}?X-Amz-Signature={secret}", shared.storage_url, file.id);
            state.grants.insert(secret, Grant { content, content_type });
            location
        }
    };
    Ok(Reply::new(302, "").header("location", location).into())
}
