//! Computes the responses to requests that no fault hits.

use hyper::Uri;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::common::watched::Watched;
use crate::whatsapp::account::Account;
use crate::whatsapp::fault::{Call, DOWNLOADS};
use crate::whatsapp::{State, WhatsApp, problem, send, upload};

/// The page size without `limit`. [?] Meta does not document it.
const LIMIT: usize = 25;

/// The maximum page size.
const LIMIT_MAX: usize = 100;

/// A request.
pub(super) struct ApiRequest<'r> {
    pub(super) call: Call,
    pub(super) uri: &'r Uri,
    pub(super) authorization: &'r str,
    pub(super) content_type: &'r str,
    pub(super) body: &'r [u8],
}

impl ApiRequest<'_> {
    fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the second segment of the path: the resource below the version.
    pub(super) fn id(&self) -> &str {
        self.uri.path().split('/').nth(2).unwrap_or_default()
    }

    /// Returns a parameter that is not in the list.
    fn unknown(&self, known: &[&str]) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(key, _)| !known.contains(&&**key)).map(|(key, _)| key.into_owned())
    }
}

/// Returns the response, and the id of a message that was accepted.
pub(super) async fn answer(state: &Watched<State>, asked: &ApiRequest<'_>) -> (Reply, Option<String>) {
    let token = state.read(|state| format!("Bearer {}", state.account.token));
    if asked.authorization != token {
        return (problem::expired(), None);
    }
    if asked.call == Call::Upload {
        let form = upload::read(asked.content_type, asked.body).await;
        return (state.update(|state| upload::store(&mut state.account, asked.id(), form)), None);
    }
    state.update(|state| {
        let account = &mut state.account;
        match asked.call {
            Call::Send => return send::accept(account, asked.id(), asked.body),
            Call::Numbers => list(asked, &account.numbers.iter().map(|number| number.shown()).collect::<Vec<_>>()),
            Call::Templates => list(asked, &account.templates),
            Call::Get => get(account, asked),
            Call::Download => download(account, asked),
            _ => problem::missing(asked.id()),
        }
        .into_pair()
    })
}

trait IntoPair {
    fn into_pair(self) -> (Reply, Option<String>);
}

impl IntoPair for Reply {
    fn into_pair(self) -> (Reply, Option<String>) {
        (self, None)
    }
}

fn ok(body: &Value) -> Reply {
    Reply::new(200, body.to_string())
}

/// Returns a number, or the address of a file.
fn get(account: &Account, asked: &ApiRequest<'_>) -> Reply {
    if let Some(name) = asked.unknown(&["fields", "phone_number_id"]) {
        return problem::invalid(&format!("Unknown parameter {name}"));
    }
    if let Some(number) = account.number(asked.id()) {
        return ok(&selected(&number.shown(), asked.parameter("fields").as_deref()));
    }
    match account.media.get(asked.id()) {
        Some(media) => ok(&json!({
            "messaging_product": "whatsapp",
            "url": format!("{}/{DOWNLOADS}/attachments/?mid={}", account.url, asked.id()),
            "mime_type": media.content_type, "sha256": media.digest, "file_size": media.bytes.len().to_string(),
            "id": asked.id(),
        })),
        None => problem::missing(asked.id()),
    }
}

fn download(account: &Account, asked: &ApiRequest<'_>) -> Reply {
    let media = asked.parameter("mid").and_then(|id| account.media.get(&id));
    // [?] Meta's response to an expired address is undocumented.
    media.map_or_else(
        || Reply::new(404, ""),
        |media| Reply::new(200, media.bytes.clone()).header("content-type", media.content_type.clone()),
    )
}

/// Returns the requested fields, which always include the id.
fn selected(one: &Value, fields: Option<&str>) -> Value {
    let Some(fields) = fields else { return one.clone() };
    let all = one.as_object().into_iter().flatten();
    all.filter(|(name, _)| *name == "id" || fields.split(',').any(|field| field == name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Returns the page after a cursor, which is the id of the last item of the previous page.
fn list(asked: &ApiRequest<'_>, all: &[Value]) -> Reply {
    if asked.id() != WhatsApp::ACCOUNT {
        return problem::missing(asked.id());
    }
    if let Some(name) = asked.unknown(&["fields", "limit", "after", "before"]) {
        return problem::invalid(&format!("Unknown parameter {name}"));
    }
    let limit = asked.parameter("limit").map_or(Some(LIMIT), |limit| limit.parse().ok());
    let Some(limit) = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit)) else {
        return problem::invalid("limit is from 1 to 100");
    };
    let start = match asked.parameter("after") {
        None => 0,
        Some(after) => match all.iter().position(|one| one["id"] == after) {
            Some(at) => at + 1,
            None => return problem::invalid("unknown cursor"),
        },
    };
    let page: Vec<_> = all[start..].iter().take(limit).collect();
    let fields = asked.parameter("fields");
    let data: Vec<_> = page.iter().map(|one| selected(one, fields.as_deref())).collect();
    let mut body = json!({ "data": data });
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        body["paging"] = json!({ "cursors": { "before": first["id"], "after": last["id"] } });
        if all.len() > start + limit {
            body["paging"]["next"] = format!("https://graph.facebook.com{}&after={}", asked.uri, last["id"]).into();
        }
    }
    ok(&body)
}
