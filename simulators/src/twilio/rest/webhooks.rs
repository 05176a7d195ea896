//! `Configuration/Webhooks` of the account and of the service, and `Configuration` of the account.

use serde_json::{Value, json};

use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest};
use crate::twilio::world::World;

pub(crate) fn configuration(world: &World, request: &RestRequest) -> Done {
    let url = format!("{}/Configuration", request.base());
    Done::read(json!({
        "account_sid": world.account_sid,
        "default_chat_service_sid": world.service_sid,
        "default_messaging_service_sid": world.messaging_service_sid,
        "default_inactive_timer": null,
        "default_closed_timer": null,
        "url": url,
        "links": { "service": format!("{}/Services/{}", request.base(), world.service_sid), "webhooks": format!("{url}/Webhooks") },
    }))
}

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Done {
    Done::read(body(world, request))
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    let is_account = request.place.service.is_none();
    let method = request.filled("Method").map(|method| method.to_ascii_uppercase());
    if method.as_ref().is_some_and(|method| !matches!(method.as_str(), "GET" | "POST")) {
        return Err(Problem::invalid("Method must be GET or POST"));
    }
    let webhooks = if is_account { &mut world.account_webhooks } else { &mut world.service_webhooks };
    let set = |name: &str, old: &mut String| {
        if let Some(value) = request.field(name) {
            value.clone_into(old);
        }
    };
    set("PreWebhookUrl", &mut webhooks.pre_webhook_url);
    set("PostWebhookUrl", &mut webhooks.post_webhook_url);
    // [?] The method of a service before it is set, as in the example of Twilio's documentation.
    webhooks.method = method.or(webhooks.method.take()).or_else(|| Some("POST".to_owned()));
    if is_account {
        webhooks.target = request.filled("Target").or(webhooks.target.take());
    }
    let filters = request.form.iter().filter(|(name, _)| name == "Filters");
    let filters: Vec<_> = filters.map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect();
    if request.field("Filters").is_some() {
        webhooks.filters = Some(filters);
    }
    let body = Some(body(world, request));
    Ok(Done { status: 200, body, effects: vec![Effect::WebhooksSet], before: None, after: Vec::new() })
}

fn body(world: &World, request: &RestRequest) -> Value {
    let is_account = request.place.service.is_none();
    let webhooks = if is_account { &world.account_webhooks } else { &world.service_webhooks };
    let url = |url: &str| Some(url.to_owned()).filter(|url| !url.is_empty());
    let mut body = json!({
        "account_sid": world.account_sid,
        "pre_webhook_url": url(&webhooks.pre_webhook_url),
        "post_webhook_url": url(&webhooks.post_webhook_url),
        "method": webhooks.method,
        "filters": webhooks.filters,
        "url": format!("{}/Configuration/Webhooks", request.base()),
    });
    if is_account {
        body["target"] = webhooks.target.as_deref().into();
    }
    request.within_service(body)
}
