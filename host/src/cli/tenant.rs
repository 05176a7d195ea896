//! The tenant that a command is about, with its signing keys and nothing else that is secret.

use std::path::Path;

use anyhow::{Context as _, bail};
use frontgate_config::Config;
use frontgate_tenants::Tenant;

/// The one that was named, or the only one.
pub(super) fn tenant(file: &Path, name: Option<&str>) -> anyhow::Result<(Config, Tenant)> {
    let mut config = Config::load_unchecked(file).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    // The secrets of Front apps are not asked for.
    config.tenants.values_mut().for_each(|tenant| tenant.front.clear());
    let names: Vec<&str> = config.tenants.keys().map(String::as_str).collect();
    let name = match (name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => bail!("the configuration has no tenant"),
        (None, several) => bail!("which tenant? add --tenant with one of: {}", several.join(", ")),
    };
    let settings = config.tenants.get(name).with_context(|| format!("there is no tenant `{name}`"))?;
    let tokens = settings.twilio.auth_tokens.iter();
    for secret in tokens.chain(settings.twilio.shared_keys.iter().map(|key| &key.secret)) {
        if let Some(fault) = secret.error() {
            bail!("{fault}");
        }
    }
    let tenant = config.tenant(name).context("server.public_url is no address such as https://host")?;
    Ok((config, tenant))
}
