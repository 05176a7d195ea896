//! `IncomingPhoneNumbers` and `Recordings` of the API of 2010.

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest};
use crate::twilio::world::World;

/// Lists the numbers; with `PhoneNumber`, those that are exactly this one. [?] Twilio also matches parts of numbers.
pub(crate) fn list(world: &World, request: &RestRequest) -> Done {
    let wanted = request.asked("PhoneNumber").filter(|wanted| !wanted.is_empty());
    let found = world.numbers.iter().filter(|known| wanted.is_none_or(|wanted| wanted == known.number));
    let found: Vec<Value> = found.map(|number| number.json(&world.account_sid)).collect();
    Done::read(json!({ "page": 0, "page_size": 50, "next_page_uri": null, "incoming_phone_numbers": found }))
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let sid = request.place.last.strip_suffix(".json").unwrap_or(&request.place.last);
    let found = world.numbers.iter_mut().find(|number| number.sid == sid);
    let number = found.ok_or_else(|| Problem::not_found(&request.path))?;
    if request.filled("StatusCallbackMethod").is_some_and(|method| method != "POST") {
        return Err(Problem::invalid("the simulator reports calls by POST only"));
    }
    if let Some(url) = request.field("StatusCallback") {
        url.clone_into(&mut number.status_callback);
    }
    let effects = vec![Effect::NumberUpdated { number: number.number.clone() }];
    Ok(Done { effects, ..Done::read(number.json(&world.account_sid)) })
}

/// Serves the sound of a recording.
pub(crate) fn recording(world: &World, request: &RestRequest) -> Result<Reply, Problem> {
    let sid = request.place.last.strip_suffix(".mp3").unwrap_or_default();
    let found = world.recordings.iter().find(|recording| recording.sid == sid);
    let found = found.ok_or_else(|| Problem::not_found(&request.path))?;
    Ok(Reply::new(200, found.content.clone()).header("content-type", "audio/mpeg"))
}
