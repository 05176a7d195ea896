//! Checks `webhook_keys` in `[plugins.named.NAME]`.

use frontgate_runtime::settings::webhooks::SECRETS_MAX;

use super::Report;
use crate::Config;

/// Reports every webhook key without a secret, or with too many secrets.
pub(super) fn check(config: &Config, report: &mut Report<'_, '_>) {
    for (name, named) in &config.plugins.named {
        for (key, webhook) in &named.webhook_keys {
            let place = format!("plugins.named.{name}.webhook_keys.{key}");
            match webhook.secrets().len() {
                0 => report.add(&place, "has no secret", "write { env = \"NAME\" }, or a list of such references"),
                1..=SECRETS_MAX => {}
                count => report.add(
                    &place,
                    &format!("has {count} secrets"),
                    &format!("keep at most {SECRETS_MAX}: the current one and those of a rotation"),
                ),
            }
        }
    }
}
