//! The addresses and keys of a tenant, with what is recorded about each.

use frontgate_config::Config;
use frontgate_console_pages::pages::{self, Address, Heard, KeyUse, TenantSetup};
use frontgate_console_pages::{Grant, mask_text};
use frontgate_contract::Role;
use frontgate_delivery::store::front::ChannelState;
use frontgate_delivery::store::queue_admin::ChannelSummary;
use frontgate_gateway::routes::{Callback, source_path};
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::{FrontApp, Tenant, display_url};
use frontgate_twilio_rest::webhooks::WebhookKind;

use super::corrections::{self, Sender};
use super::evidence::{AddressKey, Evidence, Seen};
use crate::setup::places;

/// What is shown of the secret part of a URL.
const MASK: &str = "•••";

/// Endpoints of an authorization server that an admin enters in Front.
const OAUTH: [(&str, &str); 2] = [("authorization URL", "authorize"), ("token URL", "token")];

/// Addresses of calls that Twilio gets from the gateway with each call.
const CALLS: [(Callback, &str); 3] = [
    (Callback::VoiceStatus, "Status of a call"),
    (Callback::VoiceRecording, "Recording of a call"),
    (Callback::VoiceEnded, "End of a call"),
];

/// An address before its requests are known.
struct Draft<'d> {
    name: String,
    place: String,
    /// URL with a secret part, if it has one.
    url: String,
    /// The secret part.
    secret: Option<&'d str>,
    /// Path as it is recorded.
    path: String,
    channel: Option<&'d str>,
    webhook: Option<&'static str>,
    sender: Sender<'d>,
}

/// Returns the setup of a tenant. Secret parts of URLs are masked without a grant.
pub(super) fn setup(
    config: &Config,
    tenant: &Tenant,
    channels: &[ChannelSummary],
    evidence: &Evidence,
    grant: Option<&Grant>,
) -> TenantSetup {
    let mut drafts = of_twilio(config, tenant);
    for app in tenant.front.values() {
        drafts.extend(of_app(tenant, app, channels));
    }
    let address = |draft: Draft<'_>| {
        let key = AddressKey {
            tenant: tenant.name.to_string(),
            path: draft.path.clone(),
            channel: draft.channel.map(str::to_owned),
            webhook: draft.webhook,
        };
        address(draft, evidence.of(&key), grant)
    };
    TenantSetup {
        tenant: tenant.name.to_string(),
        addresses: drafts.into_iter().map(address).collect(),
        keys: keys(tenant, evidence),
    }
}

fn of_twilio<'t>(config: &Config, tenant: &'t Tenant) -> Vec<Draft<'t>> {
    let sender = Sender::Twilio { tenant: &tenant.name };
    let draft = |callback: Callback, name: &str, place: &str, webhook| Draft {
        name: name.to_owned(),
        place: place.to_owned(),
        url: display_url(&places::callback_url(config, tenant, callback)),
        secret: None,
        path: callback.path(tenant),
        channel: None,
        webhook,
        sender,
    };
    let mut drafts: Vec<_> =
        places::FRONTLINE.iter().map(|(callback, place)| draft(*callback, title(*callback), place, None)).collect();
    for kind in [WebhookKind::PreEvent, WebhookKind::PostEvent] {
        let name = format!("Conversations, {} webhook", kind.name());
        drafts.push(draft(Callback::Conversations, &name, places::WEBHOOKS, Some(kind.name())));
    }
    if tenant.voice.is_some() {
        let all = places::VOICE.map(|(_, place)| place).join("; ");
        drafts.push(draft(Callback::Voice, "Calls", &all, None));
        let named =
            CALLS.iter().map(|(callback, name)| draft(*callback, name, "Named by the gateway in each call", None));
        drafts.extend(named);
    }
    if !tenant.roles.plugins(Role::CrmSource).is_empty() {
        let path = source_path(tenant);
        drafts.push(Draft {
            name: "Notifications of customers".to_owned(),
            place: "The CRM's webhooks".to_owned(),
            url: display_url(&format!("{}{path}", config.public_url().trim_end_matches('/'))),
            path,
            ..draft(Callback::Crm, "", "", None)
        });
    }
    drafts
}

/// Returns the name of a Frontline callback.
fn title(callback: Callback) -> &'static str {
    match callback {
        Callback::Crm => "CRM callback",
        Callback::Outgoing => "Outgoing conversations callback",
        Callback::Templates => "Templates callback",
        _ => "Routing callback",
    }
}

fn of_app<'t>(tenant: &'t Tenant, app: &'t FrontApp, channels: &'t [ChannelSummary]) -> Vec<Draft<'t>> {
    let name = &*app.name;
    let path = format!("{}/front/{name}", tenant.prefix);
    let draft = |name: String, place: &str, end: &str| Draft {
        name,
        place: place.to_owned(),
        url: display_url(&format!("{}{end}", app.public_url)),
        secret: None,
        path: format!("{path}{end}"),
        channel: None,
        webhook: None,
        sender: Sender::Front { tenant: &tenant.name, app: &app.name },
    };
    let mut drafts = vec![draft(
        format!("Front app {name}, server URL"),
        "Front > Settings > Developers > the app > Application channel > Server URL",
        "",
    )];
    if app.oauth.is_some() {
        drafts.extend(OAUTH.iter().map(|(title, endpoint)| {
            draft(format!("Front app {name}, {title}"), "Front > the app > OAuth", &format!("/oauth/{endpoint}"))
        }));
    }
    let own = channels.iter().filter(|channel| {
        channel.tenant == *tenant.name && channel.app == name && channel.state != ChannelState::Removed
    });
    for channel in own {
        let id = &channel.channel;
        let ends = [
            (format!("Channel {id}, from Front"), "Front has it from the gateway", ""),
            (format!("Channel {id}, from the provider"), "Webhook of the provider, set by the plugin", "/provider"),
        ];
        drafts.extend(ends.map(|(title, place, end)| Draft {
            url: display_url(&format!("{}/{}{end}", app.public_url, channel.key)),
            secret: Some(&channel.key),
            channel: Some(id),
            ..draft(title, place, &format!("/-{end}"))
        }));
    }
    drafts
}

fn address(draft: Draft<'_>, seen: Option<&Seen>, grant: Option<&Grant>) -> Address {
    let Draft { name, place, url, secret, sender, .. } = draft;
    let hidden = secret.filter(|_| grant.is_none());
    let url = match hidden {
        Some(secret) => url.replace(secret, MASK),
        None => url,
    };
    let link = |id: &str| format!("/events/{id}");
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let heard = seen.and_then(|seen| seen.accepted.as_ref()).map(|accepted| Heard {
        time_ms: signed(accepted.at_ms),
        key: accepted.key.clone(),
        link: link(&accepted.id),
    });
    let refused = seen.and_then(|seen| Some((seen.refused.as_ref()?, seen.refusals)));
    let refused = refused.map(|(refused, count)| pages::Refused {
        count,
        time_ms: signed(refused.at_ms),
        reason: mask_text(&refused.reason),
        fix: corrections::of(&refused.reason, sender, &url).filter(|_| refused.is_signature),
        link: link(&refused.id),
    });
    Address { name, place, url, is_masked: hidden.is_some(), heard, refused }
}

fn keys(tenant: &Tenant, evidence: &Evidence) -> Vec<KeyUse> {
    let last = |app: &str, key: &str| evidence.key(&tenant.name, app, key).and_then(|ms| i64::try_from(ms).ok());
    let mut keys: Vec<_> = tenant
        .verified
        .iter()
        .map(|(key, counter)| KeyUse { key: key.clone(), uses: counter.get(), last_ms: last("", key) })
        .collect();
    for app in tenant.front.values() {
        keys.extend(app.keys.labels().map(|label| {
            let key = format!("front.{}.{label}", app.name);
            let signed_by = labels::Verified { tenant: (&*tenant.name).into(), key: key.as_str().into() };
            KeyUse { uses: METRICS.verified.get_or_create(&signed_by).get(), last_ms: last(&app.name, label), key }
        }));
    }
    keys
}
