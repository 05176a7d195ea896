//! Which facts need a person's attention. Pure rules over values that were read before.

use std::collections::BTreeMap;

use frontgate_console_pages::pages::{Attention, Level};
use frontgate_console_pages::{mask_text, words};
use frontgate_delivery::job::State;
use frontgate_delivery::store::queue_admin::{ChannelSummary, DeliveryGroup};
use frontgate_tls::Expiry;

use super::callback_attention::{self, CallbackHealth};
use super::deliveries::query;
use super::disk::{self, Disk};
use super::plugins;
use crate::admin_pages::status::Plugin;

/// Number of deliveries that wait for one reason from which a person is notified.
const GROUP_MIN: u64 = 10;

/// Age of a delivery with unknown outcome from which a person is notified: the platform was asked by then.
const UNKNOWN_AGE_MS: i64 = 60_000;

/// Time before the end of a certificate from which a person is notified: renewal usually happens earlier.
const CERTIFICATE_SECONDS: i64 = 14 * 86_400;

/// Time before the end of a certificate from which its item is serious.
const CERTIFICATE_SECONDS_BAD: i64 = 3 * 86_400;

/// What the rules look at.
pub(super) struct Facts<'f> {
    pub(super) now_ms: i64,
    /// Why the gateway is not ready.
    pub(super) reasons: &'f [String],
    pub(super) plugins: &'f BTreeMap<String, Plugin>,
    pub(super) groups: &'f [DeliveryGroup],
    pub(super) channels: &'f [ChannelSummary],
    pub(super) callbacks: &'f [CallbackHealth],
    pub(super) disks: &'f [Disk],
    /// When the certificate of the public listener expires.
    pub(super) certificate: Option<Expiry>,
}

/// Returns the items that need attention, the most serious first.
pub(super) fn items(facts: &Facts<'_>) -> Vec<Attention> {
    let mut items: Vec<Attention> = Vec::new();
    for reason in facts.reasons {
        items.push(item(
            Level::Bad,
            "The gateway is not ready.".to_owned(),
            format!("{reason}."),
            "/plugins",
            "Plugins",
        ));
    }
    items.extend(disk::items(facts.disks));
    items.extend(callback_attention::items(facts.callbacks));
    items.extend(facts.certificate.and_then(|expiry| certificate_item(expiry.seconds)));
    items
        .extend(facts.channels.iter().filter(|channel| channel.is_offline).map(|channel| channel_item(facts, channel)));
    items.extend(facts.groups.iter().filter_map(|group| group_item(facts.now_ms, group)));
    for plugin in plugins::all(facts.plugins) {
        let Some(note) = &plugin.note else { continue };
        let level = if plugin.digest.is_none() || plugin.state == "paused" { Level::Bad } else { Level::Wait };
        let what = format!("Plugin {} needs attention.", plugin.name);
        items.push(item(level, what, note.clone(), format!("/plugins/{}", plugin.name), "Decide"));
    }
    items.sort_by_key(|item| item.level);
    items
}

/// Returns an item.
pub(super) fn item(level: Level, what: String, why: String, link: impl Into<String>, label: &'static str) -> Attention {
    Attention { level, what, why, link: link.into(), label }
}

/// Returns the item of a certificate that expires soon.
fn certificate_item(seconds: i64) -> Option<Attention> {
    let (level, what) = match seconds {
        ..=0 => (Level::Bad, "The certificate of the public listener has expired.".to_owned()),
        _ if seconds > CERTIFICATE_SECONDS => return None,
        _ => {
            let level = if seconds < CERTIFICATE_SECONDS_BAD { Level::Bad } else { Level::Wait };
            let time = words::duration(seconds.saturating_mul(1_000));
            (level, format!("The certificate of the public listener expires in {time}."))
        }
    };
    let why = "Platforms refuse to connect after that. Replace its files; with ACME, see tls.acme_failed in the log."
        .to_owned();
    Some(item(level, what, why, "/setup", "Setup"))
}

fn channel_item(facts: &Facts<'_>, channel: &ChannelSummary) -> Attention {
    let since = channel.failing_since_ms.unwrap_or(channel.since_ms);
    let reason = channel.reason.as_deref().map(mask_text).unwrap_or_default();
    let why = format!("For {}. {reason}", words::duration(facts.now_ms - since));
    let what = format!("Channel {} of {} is offline.", channel.channel, channel.tenant);
    item(Level::Bad, what, why, format!("/channels/{}", channel.id), "Look")
}

fn group_item(now_ms: i64, group: &DeliveryGroup) -> Option<Attention> {
    let age = now_ms - group.oldest_ms;
    let tenant = &group.tenant;
    let many = |one: &str, several: &str| words::count(group.count, one, several);
    let (level, what) = match group.state {
        State::Dead => (Level::Bad, format!("{} of {tenant} given up.", many("delivery", "deliveries"))),
        State::Unknown if age >= UNKNOWN_AGE_MS => {
            (Level::Unknown, format!("{} of {tenant} may or may not have arrived.", many("message", "messages")))
        }
        State::Ready if group.count >= GROUP_MIN && group.reason_group.is_some() => {
            (Level::Wait, format!("{} of {tenant} wait.", many("delivery", "deliveries")))
        }
        _ => return None,
    };
    let reason = group.reason_group.as_deref().map(mask_text).unwrap_or_default();
    let next = match group.state {
        State::Dead => "Nothing happens without a decision",
        _ => "Tried again automatically",
    };
    let why = format!("{reason}. {next}; the oldest is {} old.", words::duration(age));
    let filter = frontgate_delivery::store::queue_admin::DeliveryFilter {
        states: vec![group.state],
        tenant: Some(tenant.clone()),
        reason_group: Some(group.reason_group.clone().unwrap_or_default()),
        ..Default::default()
    };
    Some(item(level, what, why, format!("/deliveries?{}", query(&filter)), "Decide"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(state: State, count: u64, oldest_ms: i64) -> DeliveryGroup {
        let reason_group = Some("Twilio answered 503".to_owned());
        DeliveryGroup { state, tenant: "demo".to_owned(), reason_group, count, oldest_ms }
    }

    fn found(groups: &[DeliveryGroup]) -> Vec<Attention> {
        let plugins = BTreeMap::new();
        let (channels, callbacks, disks, certificate) = (&[], &[], &[], None);
        let (reasons, plugins) = (&[], &plugins);
        items(&Facts { now_ms: 1_000_000, reasons, plugins, groups, channels, callbacks, disks, certificate })
    }

    #[test]
    fn a_single_delivery_that_is_retried_needs_no_attention() {
        assert!(found(&[group(State::Ready, 1, 0)]).is_empty());
    }

    #[test]
    fn many_deliveries_that_wait_for_one_reason_are_one_item() {
        assert_eq!(found(&[group(State::Ready, 312, 0)]).len(), 1);
    }

    #[test]
    fn a_delivery_that_was_given_up_comes_before_those_that_wait() {
        let items = found(&[group(State::Ready, 312, 0), group(State::Dead, 1, 0)]);
        assert!(items[0].what.starts_with("1 delivery of demo given up"), "{items:?}");
    }

    #[test]
    fn a_certificate_needs_attention_two_weeks_before_its_end() {
        let level = |days: i64| certificate_item(days * 86_400).map(|item| item.level);
        assert_eq!([15, 13, 2, 0].map(level), [None, Some(Level::Wait), Some(Level::Bad), Some(Level::Bad)]);
    }

    #[test]
    fn an_unknown_outcome_needs_attention_after_the_platform_was_asked() {
        assert!(found(&[group(State::Unknown, 1, 999_000)]).is_empty());
        assert_eq!(found(&[group(State::Unknown, 1, 0)]).len(), 1);
    }
}
