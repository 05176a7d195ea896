//! Writes Frontline's calls into HubSpot, each as one call engagement.
//!
//! A call may be logged again after a failure, also if HubSpot created the entry and only its answer was lost. So each
//! entry has the call's SID, and is looked up by it before it is created.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use frontgate_sdk::{Call, CallDirection, Result, address, clock, debug, http, state, warn};
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::search::{Filter, Found, Group, Search};
use crate::settings::Settings;
use crate::{api, owners, search};

const CALLS: &str = "objects/calls";
/// HubSpot's property with the id of a call in the system that made it.
const EXTERNAL_ID: &str = "hs_call_external_id";
/// HubSpot's type of an association from a call to a contact.
const CALL_TO_CONTACT: u32 = 194;
/// Time for which a written entry is remembered, far longer than HubSpot's search needs to find it.
const WRITTEN_KEEP: Duration = Duration::from_secs(86_400);

/// The request that creates an entry.
#[derive(Serialize)]
struct Entry<'c> {
    properties: BTreeMap<&'c str, String>,
    associations: Vec<Association>,
}

#[derive(Serialize)]
struct Association {
    to: Contact,
    types: [AssociationType; 1],
}

#[derive(Serialize)]
struct Contact {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationType {
    association_category: &'static str,
    association_type_id: u32,
}

/// Creates the entry of a call, unless it exists.
pub(crate) fn log(settings: &Settings, call: &Call) -> Result<()> {
    let written = format!("calls/{}", call.call_sid);
    if matches!(state::get(&written), Ok(Some(_))) || exists(settings, &call.call_sid)? {
        return Ok(());
    }
    // The creation is the last request: a failure of an earlier one leaves nothing behind.
    let entry = Entry { properties: properties(settings, call)?, associations: associations(settings, call)? };
    let _: IgnoredAny = api::ask(http::post(&settings.url(CALLS)).json(&entry))?;
    if let Err(error) = state::set(&written, "1", WRITTEN_KEEP) {
        debug!("the written entry is not remembered: {error:?}");
    }
    Ok(())
}

/// Returns whether a call has an entry. The search finds new entries only after some moments, the unique property finds
/// them at once.
fn exists(settings: &Settings, sid: &str) -> Result<bool> {
    if let Some(property) = &settings.call_sid_property {
        let url = settings.url(&format!("{CALLS}/{}", http::segment(sid)));
        let found: Option<IgnoredAny> = api::find(http::get(&url).query("idProperty", property))?;
        return Ok(found.is_some());
    }
    let search = Search::new(vec![Group::of([Filter::is(EXTERNAL_ID, sid)])], vec![EXTERNAL_ID], 1);
    let found: Found<IgnoredAny> = search.ask(CALLS, settings)?;
    Ok(!found.results.is_empty())
}

fn properties<'s>(settings: &'s Settings, call: &Call) -> Result<BTreeMap<&'s str, String>> {
    let (customer, company) = (call.customer_address.as_deref(), call.proxy_address.as_deref());
    let (direction, title, from, to) = match call.direction {
        CallDirection::Inbound => ("INBOUND", "Inbound call in Frontline", customer, company),
        CallDirection::Outbound => ("OUTBOUND", "Outbound call in Frontline", company, customer),
    };
    let owner = call.worker.as_deref().map(|worker| owners::id_of(settings, worker)).transpose()?.flatten();
    let milliseconds = |seconds: u32| (u64::from(seconds) * 1_000).to_string();
    let all = [
        ("hs_timestamp", Some(call.started_at.unwrap_or_else(now).to_string())),
        ("hs_call_title", Some(title.to_owned())),
        ("hs_call_body", Some(body(call))),
        ("hs_call_direction", Some(direction.to_owned())),
        ("hs_call_status", status(&call.status).map(str::to_owned)),
        ("hs_call_duration", call.duration_seconds.map(milliseconds)),
        ("hs_call_from_number", from.map(str::to_owned)),
        ("hs_call_to_number", to.map(str::to_owned)),
        ("hs_call_recording_url", recording(call)),
        ("hubspot_owner_id", owner),
        (EXTERNAL_ID, Some(call.call_sid.clone())),
    ];
    let unique = settings.call_sid_property.as_deref().map(|property| (property, call.call_sid.clone()));
    Ok(all.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(unique).collect())
}

fn now() -> u64 {
    let since = clock::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// Returns HubSpot's name of Twilio's status, or `None` for an unknown status.
fn status(status: &str) -> Option<&'static str> {
    Some(match status {
        "completed" => "COMPLETED",
        "busy" => "BUSY",
        "no-answer" => "NO_ANSWER",
        "failed" => "FAILED",
        "canceled" => "CANCELED",
        _ => return None,
    })
}

/// Returns the text of the entry, which is HTML: the worker, who may be no owner, and Twilio's SIDs.
fn body(call: &Call) -> String {
    let recording = call.recording.as_ref().map(|recording| &recording.sid);
    let lines = [
        ("Worker", call.worker.as_ref()),
        ("Call", Some(&call.call_sid)),
        ("Conversation", call.conversation_sid.as_ref()),
        ("Recording", recording),
    ];
    let lines = lines.into_iter().filter_map(|(label, value)| Some(format!("{label}: {}", escaped(value?))));
    lines.collect::<Vec<_>>().join("<br>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns the URL of the recording as MP3, which HubSpot plays. HubSpot accepts only HTTPS.
fn recording(call: &Call) -> Option<String> {
    let recording = call.recording.as_ref()?;
    let url = recording.url.as_deref()?;
    if !url.starts_with("https://") {
        warn!("omitted the URL of recording {}, which is not https", recording.sid);
        return None;
    }
    Some(if url.ends_with(&recording.sid) { format!("{url}.mp3") } else { url.to_owned() })
}

/// Returns the association with the contact that has the customer's number, if there is one.
fn associations(settings: &Settings, call: &Call) -> Result<Vec<Association>> {
    let number = call.customer_address.as_deref().map(address::number).filter(|number| address::is_e164(number));
    let contact = number.map(|number| search::by_number(settings, number)).transpose()?.flatten();
    let association = |id| Association {
        to: Contact { id },
        types: [AssociationType { association_category: "HUBSPOT_DEFINED", association_type_id: CALL_TO_CONTACT }],
    };
    Ok(contact.map(|contact| association(contact.id)).into_iter().collect())
}
