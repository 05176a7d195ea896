//! Actions of an admin: lists a server's addresses, connects and removes channels.

use serde_json::{Value, json};

use crate::front::draft::Connect;
use crate::front::hook::Hook;
use crate::front::model::Channel;
use crate::front::record::{Fired, Refusal};
use crate::front::state::Shared;

/// The maximum number of pages, for servers that always return a next page.
const PAGES_MAX: usize = 100;

/// The request with which Front removes a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// A request with a signed JSON body, as Front's samples expect.
    Signed,
    /// A request without a body, with a signature over `undefined`, as documented.
    Bodiless,
    /// A request with a JSON body and a signature over `undefined`.
    SignedAsUndefined,
}

/// An address that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A number or an account.
    pub address: String,
    /// The display name.
    pub name: Option<String>,
}

/// Returns the object of a successful response.
fn success(status: u16, answer: &str) -> Result<Value, String> {
    let body: Value = serde_json::from_str(answer).unwrap_or_default();
    if status != 200 || body["type"] != "success" {
        let message = body["message"].as_str().map(ToOwned::to_owned);
        return Err(message.unwrap_or_else(|| format!("the answer is {status} {answer:?}")));
    }
    Ok(body)
}

fn webhook_url(status: u16, answer: &str) -> Result<String, String> {
    let body = success(status, answer)?;
    let url = body["webhook_url"].as_str().ok_or("webhook_url is missing")?;
    url::Url::parse(url).map_err(|error| format!("webhook_url: {error}"))?;
    Ok(url.to_owned())
}

fn page(status: u16, answer: &str) -> Result<(Vec<Address>, Option<String>), String> {
    let body = success(status, answer)?;
    let items = body["addresses"].as_array().ok_or("addresses are missing")?;
    let addresses = items.iter().map(|item| {
        let address = item["address"].as_str().ok_or("an entry of `addresses` has no `address`")?.to_owned();
        Ok(Address { address, name: item["name"].as_str().map(ToOwned::to_owned) })
    });
    let next = body["pagination"]["next_page_token"].as_str().map(ToOwned::to_owned);
    Ok((addresses.collect::<Result<_, String>>()?, next))
}

fn accepted<T>(fired: Fired, read: impl FnOnce(u16, &str) -> Result<T, String>) -> Result<T, Refusal> {
    let status = fired.status;
    let read = match (status, fired.error) {
        (Some(status), None) => read(status, &fired.answer),
        (_, error) => Err(error.unwrap_or_default()),
    };
    read.map_err(|message| Refusal { status, message })
}

/// Connects or reconnects a channel with this id.
pub(crate) async fn authorize(shared: &Shared, id: String, connect: Connect) -> Result<String, Refusal> {
    let Connect { server_url, token, address, payload } = connect;
    let mut body = json!({ "type": "authorization", "payload": { "channel_id": id } });
    for (name, value) in payload.as_object().into_iter().flatten() {
        body["payload"][name] = value.clone();
    }
    let mut hook = Hook::new("authorization", &server_url, body.to_string());
    (hook.token, hook.channel) = (token.clone(), Some(id.clone()));
    let fired = shared.deliver(hook, |status, answer| webhook_url(status, answer).err()).await;
    let webhook_url = accepted(fired, webhook_url)?;
    shared.update(|state| {
        let address = address.unwrap_or_else(|| format!("address-of-{id}"));
        let is_connected = true;
        let channel =
            Channel { id: id.clone(), address, server_url, webhook_url, token, is_connected, is_online: true };
        match state.world.channel_mut(&id) {
            Some(known) => *known = channel,
            None => state.world.channels.push(channel),
        }
    });
    Ok(id)
}

/// Lists the addresses that a server offers. [?] The page token is read from `payload.page_token`.
pub(crate) async fn addresses(shared: &Shared, connect: Connect) -> Result<Vec<Address>, Refusal> {
    let (mut all, mut payload) = (Vec::new(), connect.payload);
    for _ in 0..PAGES_MAX {
        let body = json!({ "type": "list_addresses", "payload": payload });
        let mut hook = Hook::new("list_addresses", &connect.server_url, body.to_string());
        hook.token.clone_from(&connect.token);
        let fired = shared.deliver(hook, |status, answer| page(status, answer).err()).await;
        let (addresses, next) = accepted(fired, page)?;
        all.extend(addresses);
        let Some(next) = next else { return Ok(all) };
        payload["page_token"] = next.into();
    }
    Err(Refusal { status: Some(200), message: format!("there are more than {PAGES_MAX} pages") })
}

/// Removes a channel, regardless of the server's response.
///
/// # Panics
///
/// Panics if the channel is not connected.
pub(crate) async fn remove(shared: &Shared, id: &str, farewell: Farewell) -> Fired {
    let channel = shared.update(|state| {
        let found = state.world.channel_mut(id).filter(|channel| channel.is_connected);
        let channel = found.unwrap_or_else(|| panic!("{id} is not connected"));
        channel.is_connected = false;
        channel.clone()
    });
    let body = json!({ "type": "delete", "payload": { "channel_id": id } }).to_string();
    let hook = Hook {
        method: "DELETE",
        token: channel.token,
        channel: Some(channel.id),
        body: (farewell != Farewell::Bodiless).then_some(body),
        undefined: farewell != Farewell::Signed,
        ..Hook::new("delete", &channel.webhook_url, "")
    };
    let judge = |status, _: &str| (status != 200).then(|| format!("the status is {status} rather than 200"));
    shared.deliver(hook, judge).await
}
