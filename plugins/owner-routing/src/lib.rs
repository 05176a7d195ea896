//! Assigns inbound conversations to the customer's owner, else to the worker or pool of the company's number, else to
//! workers round robin. Workers get conversations within their business hours and while they are available.
//!
//! # Configuration
//!
//! Every part is optional. `hours`, `closed` and `away` can also be set in a pool, where they override the general
//! settings key by key.
//!
//! ```toml
//! [plugins.named.owner-routing]
//! # For answers to customers.
//! actions = true
//! # For answers and availability.
//! state = true
//! # For availability.
//! outbound = ["https://frontline-api.twilio.com"]
//!
//! [plugins.named.owner-routing.config]
//! round_robin = "ana@example.org, ben@example.org"
//! # "frontline": workers get conversations while they are available in Frontline; asked again after some seconds.
//! availability = "frontline"
//! availability_seconds = 30
//!
//! [plugins.named.owner-routing.config.numbers]
//! "+4930901820" = "pool:berlin"
//!
//! [plugins.named.owner-routing.config.pools.berlin]
//! workers = "ida@example.org, jon@example.org"
//! hours.zone = "Europe/Berlin"
//!
//! [plugins.named.owner-routing.config.hours]
//! zone = "America/New_York"
//! mon = "09:00-12:30, 13:30-17:00"
//! fri = "22:00-06:00"
//! holidays = "2026-12-25 2026-12-26"
//!
//! [plugins.named.owner-routing.config.closed]
//! answer = "We are closed, and answer tomorrow."
//! worker = "night@example.org"
//!
//! [plugins.named.owner-routing.config.away]
//! then = "wait"
//!
//! # An API key. The gateway adds it to requests; the plugin never sees it.
//! [[plugins.named.owner-routing.bound_secrets]]
//! to = "https://frontline-api.twilio.com"
//! header = "authorization"
//! value = "Basic {sid}:{secret}"
//! secrets = { sid = { env = "TWILIO_API_KEY_SID" }, secret = { env = "TWILIO_API_KEY_SECRET" } }
//! ```

mod availability;
mod fallback;
mod hours;
mod owner;
mod pool;
mod settings;
mod table;

use std::time::{Duration, SystemTime};

use frontgate_sdk::{Assignment, InboundConversation, Result, Routing, clock, directory};

use crate::pool::Pool;
use crate::settings::{Recipient, Settings};

/// Time in which a conversation gets one answer while a pool is away, and the limit while it is closed.
const AWAY_PERIOD: Duration = Duration::from_secs(3_600);
const CLOSED_PERIOD_MAX: Duration = Duration::from_secs(30 * 86_400);

/// The plugin.
pub struct OwnerRouting;

frontgate_sdk::export!(OwnerRouting: routing);

impl Routing for OwnerRouting {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        let settings = Settings::read()?;
        let now = clock::now();
        let is_on_duty = |worker: &str| {
            let is_open = settings.pools_of(worker).into_iter().any(|pool| pool.is_open(now));
            is_open && settings.availability.includes(worker)
        };
        let owner = owner::of_customer(&conversation, &settings, is_on_duty, directory::find_customer)?;
        if let Some(worker) = owner {
            return Ok(Some(Assignment::worker(worker)));
        }
        let number = conversation.proxy_address.as_deref();
        let pool = match number.and_then(|number| settings.recipient_of(number)) {
            Some(Recipient::Worker(worker)) if is_on_duty(&worker) => return Ok(Some(Assignment::worker(worker))),
            Some(Recipient::Pool(pool)) => pool,
            _ => settings.general(),
        };
        one_of(pool, &settings, &conversation.conversation_sid, now)
    }
}

/// Assigns an available worker of a pool.
fn one_of(pool: &Pool, settings: &Settings, conversation: &str, now: SystemTime) -> Result<Option<Assignment>> {
    if let Some(hours) = &pool.hours
        && !hours.are_open(now)
    {
        let period = hours.until_opening(now).unwrap_or(CLOSED_PERIOD_MAX).min(CLOSED_PERIOD_MAX);
        return pool.closed.apply(conversation, "outside business hours", period);
    }
    let members = settings.members(pool);
    if members.is_empty() {
        return Ok(None);
    }
    let available = settings.availability.among(members);
    if available.is_empty() {
        return pool.away.apply(conversation, "no worker is available", AWAY_PERIOD);
    }
    Ok(Some(Assignment::one_of(available)))
}
