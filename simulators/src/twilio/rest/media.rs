//! The Media Content Service: `Services/{IS}/Media`. Twilio serves it under another host name.

use crate::common::reply::Reply;
use crate::twilio::message::Stored;
use crate::twilio::problem::Problem;
use crate::twilio::record::{Authorization, Effect};
use crate::twilio::rest::{Done, RestRequest};
use crate::twilio::world::World;

pub(crate) fn upload(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    if request.bytes.is_empty() {
        // [?] Twilio's message is unknown.
        return Err(Problem::invalid("The request has no content"));
    }
    let content_type = Some(request.content_type.clone()).filter(|kind| !kind.is_empty());
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let filename = request.asked("Filename").map(ToOwned::to_owned);
    let media = world.store(filename, content_type, request.bytes.clone());
    let body = json(world, request, world.stored(&media.sid).expect("it was just stored"));
    let effects = vec![Effect::MediaStored { media: media.sid }];
    Ok(Done { status: 201, body: Some(body), effects, before: None, after: Vec::new() })
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    Ok(Done::read(json(world, request, stored(world, request)?)))
}

/// Redirects to a temporary URL. [?] The status may be 302 or 307.
pub(crate) fn content(world: &World, request: &RestRequest) -> Result<Reply, Problem> {
    Ok(Reply::new(307, "").header("location", stored(world, request)?.temporary_url(&request.storage_url)))
}

/// Serves the temporary URL, which needs no credentials. Rejects a request with credentials, as storage behind signed
/// URLs does. [?] Whether Twilio's storage does.
pub(crate) fn download(world: &World, request: &RestRequest) -> Reply {
    let refused = |message: &str| {
        let body = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
        Reply::new(403, body).header("content-type", "application/xml")
    };
    if request.authorization != Authorization::Missing {
        return refused("Only one auth mechanism allowed");
    }
    let signed = |stored: &&Stored| request.asked("Signature") == Some(&stored.secret);
    match world.stored(request.media()).filter(signed) {
        Some(stored) => {
            Reply::new(200, stored.content.clone()).header("content-type", stored.media.content_type.clone())
        }
        None => refused("Access denied"),
    }
}

fn stored<'w>(world: &'w World, request: &RestRequest) -> Result<&'w Stored, Problem> {
    world.stored(request.media()).ok_or_else(|| Problem::not_found(&request.path))
}

fn json(world: &World, request: &RestRequest, stored: &Stored) -> serde_json::Value {
    let path = format!("{}/Media/{}", request.place.base, stored.media.sid);
    stored.json(&world.account_sid, &world.service_sid, &request.storage_url, &path)
}
