//! The Content API: templates, their approval, and messages that are sent from them.

use serde_json::{Map, Value, json};

use crate::twilio::clock::rest_time;
use crate::twilio::content::Content;
use crate::twilio::problem::Problem;
use crate::twilio::rest::{Done, RestRequest, page};
use crate::twilio::world::World;

/// Twilio's limits on variables: errors 50529, 50540 and 50541.
const VARIABLES_MAX: usize = 100;
const KEY_CHARS_MAX: usize = 16;
const VALUE_CHARS_MAX: usize = 256;

/// The largest page that Twilio allows.
const PAGE_SIZE_MAX: usize = 1_000;

pub(crate) fn list(world: &World, request: &RestRequest, with_approvals: bool) -> Result<Done, Problem> {
    let items: Vec<_> = world.contents.iter().map(|content| json(world, request, content, with_approvals)).collect();
    page::page(request, "contents", &items, PAGE_SIZE_MAX)
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let found = world.contents.iter().find(|content| content.sid == request.place.last);
    Ok(Done::read(json(world, request, found.ok_or_else(|| Problem::not_found(&request.path))?, false)))
}

pub(crate) fn approval(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let sid = request.path.split('/').nth_back(1).unwrap_or_default();
    let content = world.contents.iter().find(|content| content.sid == sid);
    let content = content.ok_or_else(|| Problem::not_found(&request.path))?;
    Ok(Done::read(json!({
        "sid": content.sid,
        "account_sid": world.account_sid,
        "whatsapp": approval_of(content),
        "url": format!("{}{}", request.url, request.path),
    })))
}

fn json(world: &World, request: &RestRequest, content: &Content, with_approvals: bool) -> Value {
    let url = format!("{}/v1/Content/{}", request.url, content.sid);
    let mut shown = json!({
        "sid": content.sid,
        "account_sid": world.account_sid,
        "friendly_name": content.friendly_name,
        "language": content.language,
        "variables": content.variables,
        "types": { "twilio/text": { "body": content.body } },
        "date_created": rest_time(content.date_created),
        "date_updated": rest_time(content.date_created),
    });
    if with_approvals {
        shown["approval_requests"] = approval_of(content);
        return shown;
    }
    shown["url"] = url.as_str().into();
    shown["links"] = json!({
        "approval_fetch": format!("{url}/ApprovalRequests"),
        "approval_create": format!("{url}/ApprovalRequests/whatsapp"),
    });
    shown
}

fn approval_of(content: &Content) -> Value {
    json!({
        "name": content.friendly_name,
        "category": "UTILITY",
        "content_type": "whatsapp",
        "status": content.status,
        "rejection_reason": "",
        "allow_category_change": true,
    })
}

/// Returns the SID and the text of the template in a request for a message, if it has one.
pub(crate) fn chosen(world: &World, request: &RestRequest) -> Result<Option<(String, String)>, Problem> {
    let variables = request.filled("ContentVariables");
    let Some(sid) = request.filled("ContentSid") else {
        return match variables {
            Some(_) => Err(Problem::new(400, 50528, "Content SID is missing")),
            None => Ok(None),
        };
    };
    // [?] Twilio's error for an unknown template is undocumented.
    let content = world.contents.iter().find(|content| content.sid == sid);
    let content = content.ok_or_else(|| Problem::new(400, 50526, "Invalid content SID"))?;
    let broken = || Problem::new(400, 50527, "Invalid content variables format");
    let values: Map<String, Value> = match variables {
        Some(text) => serde_json::from_str(&text).map_err(|_| broken())?,
        None => Map::new(),
    };
    if values.len() > VARIABLES_MAX {
        return Err(Problem::new(400, 50529, "Content variables are too long"));
    }
    for (key, value) in &values {
        let value = value.as_str().ok_or_else(broken)?;
        if key.chars().count() > KEY_CHARS_MAX {
            return Err(Problem::new(400, 50540, "Content variable key is too long"));
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return Err(Problem::new(400, 50541, "Content variable value is too long"));
        }
    }
    Ok(Some((sid, content.filled(&values))))
}
