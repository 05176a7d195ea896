//! `Conversations/{CH}/Webhooks` and `Configuration/Addresses`.

use crate::twilio::addresses::{AddressConfiguration, SCOPED_WEBHOOKS_MAX, ScopedWebhook};
use crate::twilio::model::{self, Conversation};
use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest, page};
use crate::twilio::world::World;

/// Returns the values of a field that may be repeated.
fn every(request: &RestRequest, name: &str) -> Vec<String> {
    let values = request.form.iter().filter(|(known, value)| known == name && !value.is_empty());
    values.map(|(_, value)| value.clone()).collect()
}

fn conversation<'w>(world: &'w World, request: &RestRequest) -> Result<&'w Conversation, Problem> {
    world.conversation(request.conversation()).ok_or_else(|| Problem::not_found(&request.path))
}

fn url_of(conversation: &Conversation, request: &RestRequest) -> String {
    format!("{}/Conversations/{}", request.base(), conversation.sid)
}

pub(crate) fn add_webhook(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let (sid, place) = (conversation.sid.clone(), url_of(conversation, request));
    if request.field("Target") != Some("webhook") {
        return Err(Problem::invalid("The simulator supports the target webhook only"));
    }
    is_by_post(request)?;
    let url = request.filled("Configuration.Url").ok_or_else(|| Problem::invalid("Configuration.Url is missing"))?;
    if conversation.webhooks.len() >= SCOPED_WEBHOOKS_MAX {
        return Err(Problem::scoped_webhooks_max());
    }
    let webhook = ScopedWebhook::new(world.sid("WH"), url.clone(), every(request, "Configuration.Filters"));
    let body = Some(request.within_service(webhook.json(&world.account_sid, &sid, &place)));
    world.conversation_mut(&sid).expect("it exists").webhooks.push(webhook);
    let effects = vec![Effect::ScopedWebhookAdded { conversation: sid, url }];
    Ok(Done { status: 201, body, effects, before: None, after: Vec::new() })
}

pub(crate) fn list_webhooks(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let (sid, url) = (&conversation.sid, url_of(conversation, request));
    let json = |webhook: &ScopedWebhook| request.within_service(webhook.json(&world.account_sid, sid, &url));
    let items: Vec<_> = conversation.webhooks.iter().map(json).collect();
    page::page(request, "webhooks", &items, 5)
}

fn is_by_post(request: &RestRequest) -> Result<(), Problem> {
    match request.field("Configuration.Method") {
        Some(method) if !method.eq_ignore_ascii_case("POST") => {
            Err(Problem::invalid("The simulator sends webhooks of conversations with POST only"))
        }
        _ => Ok(()),
    }
}

fn webhook_position(conversation: &Conversation, request: &RestRequest) -> Result<usize, Problem> {
    let at = conversation.webhooks.iter().position(|known| known.sid == request.place.last);
    at.ok_or_else(|| Problem::not_found(&request.path))
}

pub(crate) fn fetch_webhook(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let webhook = &conversation.webhooks[webhook_position(conversation, request)?];
    let json = webhook.json(&world.account_sid, &conversation.sid, &url_of(conversation, request));
    Ok(Done::read(request.within_service(json)))
}

pub(crate) fn update_webhook(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    is_by_post(request)?;
    let conversation = conversation(world, request)?;
    let (sid, at) = (conversation.sid.clone(), webhook_position(conversation, request)?);
    let filters = request.field("Configuration.Filters").map(|_| every(request, "Configuration.Filters"));
    let webhook = &mut world.conversation_mut(&sid).expect("it exists").webhooks[at];
    webhook.set(request.filled("Configuration.Url"), filters);
    let url = webhook.url.clone();
    let body = fetch_webhook(world, request)?.body;
    let effects = vec![Effect::ScopedWebhookUpdated { conversation: sid, url }];
    Ok(Done { status: 200, body, effects, before: None, after: Vec::new() })
}

pub(crate) fn remove_webhook(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let conversation = conversation(world, request)?;
    let (sid, at) = (conversation.sid.clone(), webhook_position(conversation, request)?);
    let url = world.conversation_mut(&sid).expect("it exists").webhooks.remove(at).url;
    let effects = vec![Effect::ScopedWebhookRemoved { conversation: sid, url }];
    Ok(Done { status: 204, body: None, effects, before: None, after: Vec::new() })
}

/// Finds a configuration by its SID or its address.
fn position(world: &World, request: &RestRequest) -> Result<usize, Problem> {
    let name = &request.place.last;
    let found = world.addresses.iter().position(|known| known.sid == *name || known.address == *name);
    found.ok_or_else(|| Problem::not_found(&request.path))
}

pub(crate) fn create_address(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let address = request.filled("Address").ok_or_else(|| Problem::invalid("Address is missing"))?;
    let kind = request.filled("Type").ok_or_else(|| Problem::invalid("Type is missing"))?;
    if model::kind(&address) != kind {
        return Err(Problem::invalid("Address does not fit its Type"));
    }
    if world.addresses.iter().any(|known| known.address == address) {
        // [?] Code and status are guesses.
        return Err(Problem::invalid("Address configuration already exists"));
    }
    let sid = world.sid("IG");
    let created = set(world, request, AddressConfiguration::new(sid, kind, address))?;
    world.addresses.push(created.clone());
    Ok(changed(world, request, 201, &created))
}

pub(crate) fn list_addresses(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let wanted = |known: &&AddressConfiguration| request.asked("Type").is_none_or(|kind| known.channel == kind);
    let found = world.addresses.iter().filter(wanted);
    let items: Vec<_> = found.map(|known| known.json(&world.account_sid, &request.base())).collect();
    page::page(request, "address_configurations", &items, 50)
}

pub(crate) fn fetch_address(world: &World, request: &RestRequest) -> Result<Done, Problem> {
    let found = &world.addresses[position(world, request)?];
    Ok(Done::read(found.json(&world.account_sid, &request.base())))
}

pub(crate) fn update_address(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let at = position(world, request)?;
    let updated = set(world, request, world.addresses[at].clone())?;
    world.addresses[at] = updated.clone();
    Ok(changed(world, request, 200, &updated))
}

pub(crate) fn remove_address(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let address = world.addresses.remove(position(world, request)?).address;
    let effects = vec![Effect::AddressRemoved { address }];
    Ok(Done { status: 204, body: None, effects, before: None, after: Vec::new() })
}

fn changed(world: &World, request: &RestRequest, status: u16, now: &AddressConfiguration) -> Done {
    let effects = vec![Effect::AddressSet { address: now.address.clone(), kind: now.kind.clone() }];
    let body = Some(now.json(&world.account_sid, &request.base()));
    Done { status, body, effects, before: None, after: Vec::new() }
}

/// Applies the fields of a form.
fn set(
    world: &World,
    request: &RestRequest,
    mut address: AddressConfiguration,
) -> Result<AddressConfiguration, Problem> {
    let filled = |name: &str| request.filled(&format!("AutoCreation.{name}"));
    if let Some(enabled) = filled("Enabled") {
        address.enabled = enabled == "true";
    }
    if let Some(service) = filled("ConversationServiceSid") {
        if service != world.service_sid {
            return Err(Problem::invalid("The simulator supports one service only"));
        }
        address.service = Some(service);
    }
    if let Some(kind) = filled("Type") {
        address.kind = kind;
    }
    if let Some(url) = filled("WebhookUrl") {
        address.url = url;
    }
    if request.field("AutoCreation.WebhookFilters").is_some() {
        address.filters = every(request, "AutoCreation.WebhookFilters");
    }
    if filled("WebhookMethod").is_some_and(|method| !method.eq_ignore_ascii_case("POST")) {
        return Err(Problem::invalid("The simulator sends webhooks with POST only"));
    }
    if address.kind == "webhook" && address.url.is_empty() {
        return Err(Problem::invalid("AutoCreation.WebhookUrl is missing"));
    }
    Ok(address)
}
