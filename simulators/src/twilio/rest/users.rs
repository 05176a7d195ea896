//! `Users` of Frontline's API: fetched and changed by SID or identity, never created or listed.

use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest};
use crate::twilio::world::World;

fn position(world: &World, request: &RestRequest) -> Result<usize, Problem> {
    let name = &request.place.last;
    let found = world.users.iter().position(|user| user.sid == *name || user.identity == *name);
    found.ok_or_else(|| Problem::not_found(&request.path))
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    Ok(Done::read(world.users[position(world, request)?].json(&request.base())))
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let at = position(world, request)?;
    let state = request.filled("State");
    if state.as_ref().is_some_and(|state| !matches!(state.as_str(), "active" | "deactivated")) {
        return Err(Problem::invalid("State is active or deactivated"));
    }
    let is_available = match request.field("IsAvailable").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Problem::invalid("IsAvailable is true or false")),
    };
    let user = &mut world.users[at];
    user.friendly_name = request.filled("FriendlyName").or(user.friendly_name.take());
    user.avatar = request.filled("Avatar").or(user.avatar.take());
    user.is_available = is_available.unwrap_or(user.is_available);
    if let Some(state) = state {
        user.state = state;
    }
    let effects = vec![Effect::UserUpdated { identity: user.identity.clone() }];
    Ok(Done { effects, ..Done::read(user.json(&request.base())) })
}
