//! Selects a command's tenant. Of the tenant's secrets, only Twilio's signing keys are resolved.

use std::path::Path;

use anyhow::{Context as _, bail};
use frontgate_config::Config;
use frontgate_tenants::Tenant;

/// Returns the named tenant, or the only one.
pub(super) fn name(config: &Config, name: Option<&str>) -> anyhow::Result<String> {
    let names: Vec<&str> = config.tenants.keys().map(String::as_str).collect();
    Ok(match (name, names.as_slice()) {
        (Some(name), _) if config.tenants.contains_key(name) => name.to_owned(),
        (Some(name), _) => bail!("unknown tenant `{name}`"),
        (None, [only]) => (*only).to_owned(),
        (None, []) => bail!("the configuration has no tenant; add [tenants.NAME]"),
        (None, several) => bail!("several tenants; add --tenant with one of: {}", several.join(", ")),
    })
}

/// Finds the named tenant, or the only one.
pub(super) fn tenant(file: &Path, name: Option<&str>) -> anyhow::Result<(Config, Tenant)> {
    let mut config = Config::load_unchecked(file).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    // The command needs no secrets of Front apps.
    config.tenants.values_mut().for_each(|tenant| tenant.front.clear());
    let name = &self::name(&config, name)?;
    let settings = config.tenants.get(name).with_context(|| format!("unknown tenant `{name}`"))?;
    let tokens = settings.twilio.auth_tokens.iter();
    for secret in tokens.chain(settings.twilio.shared_keys.iter().map(|key| &key.secret)) {
        if let Some(fault) = secret.error() {
            bail!("{fault}");
        }
    }
    let tenant = config.tenant(name).context("invalid server.public_url; write it as https://host")?;
    Ok((config, tenant))
}
