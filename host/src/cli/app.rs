//! Selects a command's Front app. Of the app's secrets, only the signing keys are resolved.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;
use frontgate_config::Config;
use frontgate_delivery::store::queue_admin::{ChannelFilter, QueueAdmin};
use frontgate_front::signature::Keys;
use frontgate_tenants::{front_keys, front_path};

/// Arguments that select an app.
#[derive(Debug, Args)]
pub(super) struct AppArguments {
    /// Name of the app in the configuration, if there are several
    #[arg(long)]
    app: Option<String>,
    /// Tenant of the app, if several tenants have apps
    #[arg(long)]
    tenant: Option<String>,
}

/// A selected app.
pub(super) struct App {
    pub(super) config: Config,
    pub(super) tenant: String,
    pub(super) name: String,
}

impl App {
    /// Finds the named app, or the only one. Fails if a signing key of the app is missing.
    pub(super) fn find(file: &Path, which: &AppArguments) -> anyhow::Result<Self> {
        let config = Config::load_unchecked(file).map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let tenant = tenant(&config, which.tenant.as_deref())?;
        let apps = &config.tenants[&tenant].front;
        let names = || apps.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = match (which.app.as_deref(), apps.len()) {
            (_, 0) => bail!("tenant {tenant} has no Front app; add [tenants.{tenant}.front.NAME]"),
            (Some(name), _) if apps.contains_key(name) => name.to_owned(),
            (Some(name), _) => bail!("unknown Front app `{name}`; tenant {tenant} has: {}", names()),
            (None, 1) => names(),
            (None, _) => bail!("several apps; add --app with one of: {}", names()),
        };
        let app = Self { tenant, name, config };
        if let Some(fault) = app.settings().app_secrets.iter().find_map(frontgate_settings::Secret::error) {
            bail!("tenants.{}.front.{}.app_secrets: {fault}", app.tenant, app.name);
        }
        Ok(app)
    }

    fn settings(&self) -> &frontgate_front::Settings {
        &self.config.tenants[&self.tenant].front[&self.name]
    }

    pub(super) fn keys(&self) -> Keys {
        front_keys(self.settings())
    }

    pub(super) fn window_ms(&self) -> u64 {
        self.settings().signature_window_ms
    }

    /// Returns the keys of all other apps whose secrets can be read, by `TENANT/APP`.
    pub(super) fn others(&self) -> Vec<(String, Keys)> {
        let all = self.config.tenants.iter().flat_map(|(tenant, settings)| {
            settings.front.iter().map(move |(name, app)| (tenant.as_str(), name.as_str(), app))
        });
        let others = all.filter(|(tenant, name, _)| (*tenant, *name) != (&*self.tenant, &*self.name));
        let readable = others.filter(|(.., app)| app.app_secrets.iter().all(|secret| secret.error().is_none()));
        readable.map(|(tenant, name, app)| (format!("{tenant}/{name}"), front_keys(app))).collect()
    }

    /// Returns the App UID and the URL of Front's API.
    pub(super) fn front(&self) -> anyhow::Result<(&str, &str)> {
        let settings = self.settings();
        let place = format!("tenants.{}.front.{}.app_uid", self.tenant, self.name);
        let uid = settings.app_uid.as_ref().with_context(|| format!("{place} is missing"))?;
        if let Some(fault) = uid.error() {
            bail!("{place}: {fault}");
        }
        Ok((uid.expose(), &settings.api_url))
    }

    /// Returns the prefix of the app's paths.
    pub(super) fn path(&self) -> String {
        front_path(&self.config.tenants[&self.tenant], &self.name)
    }

    pub(super) fn filter(&self) -> ChannelFilter<'_> {
        ChannelFilter { tenant: Some(&self.tenant), app: Some(&self.name) }
    }
}

/// Opens the database, which a running gateway may be using at the same time.
pub(super) fn desk(config: &Config) -> anyhow::Result<QueueAdmin> {
    QueueAdmin::open(&config.store)
}

/// Returns the address of a channel for Front; `None` if its app is not in the configuration.
pub(super) fn address(config: &Config, tenant: &str, app: &str, key: &str) -> Option<String> {
    let settings = config.tenants.get(tenant).filter(|settings| settings.front.contains_key(app))?;
    Some(format!("{}/{key}", config.front_url(settings, app)))
}

fn tenant(config: &Config, name: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = name {
        let names = || config.tenants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        anyhow::ensure!(
            config.tenants.contains_key(name),
            "unknown tenant `{name}`; the configuration has: {}",
            names()
        );
        return Ok(name.to_owned());
    }
    let with_apps = config.tenants.iter().filter(|(_, settings)| !settings.front.is_empty());
    match with_apps.map(|(name, _)| name.as_str()).collect::<Vec<_>>().as_slice() {
        [] => bail!("the configuration has no Front app; add [tenants.NAME.front.NAME]"),
        [only] => Ok((*only).to_owned()),
        several => bail!("several tenants; add --tenant with one of: {}", several.join(", ")),
    }
}
