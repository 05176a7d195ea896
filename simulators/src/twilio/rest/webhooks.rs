//! `Configuration/Webhooks`: the URL and the filter of events. Account and services share one configuration here.

use serde_json::{Value, json};

use crate::twilio::problem::Problem;
use crate::twilio::record::Effect;
use crate::twilio::rest::{Done, RestRequest};
use crate::twilio::world::World;

pub(crate) fn fetch(world: &World, request: &RestRequest) -> Done {
    Done::read(body(world, request))
}

pub(crate) fn update(world: &mut World, request: &RestRequest) -> Result<Done, Problem> {
    if request.field("Method").is_some_and(|method| method != "POST") {
        return Err(Problem::invalid("The simulator sends webhooks with POST only"));
    }
    let webhooks = &mut world.webhooks;
    let set = |name: &str, old: &mut String| {
        if let Some(value) = request.field(name) {
            value.clone_into(old);
        }
    };
    set("PreWebhookUrl", &mut webhooks.pre_webhook_url);
    set("PostWebhookUrl", &mut webhooks.post_webhook_url);
    set("Target", &mut webhooks.target);
    let filters = request.form.iter().filter(|(name, _)| name == "Filters");
    let filters: Vec<_> = filters.map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect();
    if request.field("Filters").is_some() {
        webhooks.filters = Some(filters);
    }
    let body = Some(body(world, request));
    Ok(Done { status: 200, body, effects: vec![Effect::WebhooksSet], before: None, after: Vec::new() })
}

fn body(world: &World, request: &RestRequest) -> Value {
    let webhooks = &world.webhooks;
    json!({
        "account_sid": world.account_sid,
        "pre_webhook_url": webhooks.pre_webhook_url,
        "post_webhook_url": webhooks.post_webhook_url,
        "method": "POST",
        "filters": webhooks.filters.clone().unwrap_or_default(),
        "target": webhooks.target,
        "url": format!("{}/Configuration/Webhooks", request.base()),
    })
}
