//! `frontgate setup twilio`: reads, compares, shows, confirms, writes, and compares again.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use frontgate_config::Config;
use frontgate_net::Client;
use frontgate_tenants::{Tenant, display_url};
use frontgate_twilio::number::is_e164;
use frontgate_twilio_rest::addresses::AddressChange;
use frontgate_twilio_rest::webhooks::{EVENTS, Needed, WebhookChange};
use frontgate_twilio_rest::{ApiError, ConversationWebhook, ConversationsApi, describe};

use super::super::{load, runtime, say};
use super::show;
use super::write::write;
use crate::setup::twilio::Found;
use crate::setup::webhooks;

const DIFFERENT: u8 = 1;
/// A request to Twilio failed.
const FAILED: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Tenant; required if there are several
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Write the changes, after a confirmation
    #[arg(long)]
    apply: bool,
    /// Skip the confirmation
    #[arg(long, requires = "apply")]
    yes: bool,
    /// Allow the replacement of another system's URL, Studio flow or service; repeatable
    #[arg(long, value_name = "URL")]
    replace: Vec<String>,
    /// Event that a plugin of the tenant needs, beside the gateway's own; repeatable
    #[arg(long, value_name = "EVENT", value_parser = PossibleValuesParser::new(EVENTS), hide_possible_values = true)]
    event: Vec<String>,
    /// Number whose messages create conversations in the tenant's service: E.164, with `whatsapp:` for WhatsApp;
    /// repeatable
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    number: Vec<String>,
    /// Also show the webhooks of this conversation
    #[arg(long, value_name = "CH...")]
    conversation: Option<String>,
}

fn number(text: &str) -> Result<String, String> {
    match is_e164(text.strip_prefix("whatsapp:").unwrap_or(text)) {
        true => Ok(text.to_owned()),
        false => Err("not a number in E.164, such as +12025550199".to_owned()),
    }
}

/// The changes that the tenant needs.
pub(super) struct Plan {
    pub(super) webhooks: Vec<WebhookChange>,
    pub(super) addresses: Vec<AddressChange>,
}

pub(super) fn setup(file: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = load(file)?.config;
    let tenant = tenant(&config, arguments.tenant.as_deref())?;
    let client = Arc::new(Client::new(&config.delivery.client()));
    let settings = &config.tenants[&*tenant.name].twilio;
    let api = ConversationsApi::new(settings, &client).with_context(|| {
        format!("tenant {} has no credentials for Twilio's API; add api_key and api_secret", tenant.name)
    })?;
    match runtime()?.block_on(run(&api, &config, &tenant, arguments)) {
        Ok(code) => Ok(code),
        Err(error) => match error.downcast::<ApiError>() {
            Ok(failure) => {
                say!("✗ {}: {}; nothing was written", display_url(&settings.conversations_url), describe(&failure));
                Ok(ExitCode::from(FAILED))
            }
            Err(error) => Err(error),
        },
    }
}

fn tenant(config: &Config, name: Option<&str>) -> anyhow::Result<Arc<Tenant>> {
    let tenants = config.all_tenants();
    let names: Vec<_> = tenants.iter().map(|tenant| &*tenant.name).collect();
    match (name, tenants.as_slice()) {
        (Some(name), _) => {
            let found = tenants.iter().find(|tenant| &*tenant.name == name);
            found.cloned().with_context(|| format!("unknown tenant `{name}`; known: {}", names.join(", ")))
        }
        (None, [only]) => Ok(Arc::clone(only)),
        (None, []) => bail!("the configuration has no tenant; add [tenants.NAME]"),
        (None, _) => bail!("several tenants; add --tenant with one of: {}", names.join(", ")),
    }
}

async fn run(
    api: &ConversationsApi,
    config: &Config,
    tenant: &Tenant,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let needed = webhooks::needed(config, tenant, &arguments.event);
    let found = Found::read(api).await?;
    show::found(tenant, &found, &needed);
    show::numbers(tenant, &found);
    if let Some(conversation) = &arguments.conversation {
        let hooks: Vec<ConversationWebhook> = api.conversation_webhooks(conversation).await?;
        show::conversation(conversation, &hooks);
    }
    show::checklist(config, tenant, &found, &needed);
    let plan = Plan::new(&found, &needed, &arguments.number);
    if plan.is_empty() {
        say!("\nnothing to change");
        return Ok(ExitCode::SUCCESS);
    }
    show::plan(&plan);
    let named = |replaced: &str| arguments.replace.iter().any(|url| url == replaced || *url == display_url(replaced));
    let mut unnamed: Vec<_> = plan.replaced().into_iter().filter(|replaced| !named(replaced)).collect();
    unnamed.dedup();
    if !unnamed.is_empty() {
        say!("\n✗ the changes replace the configuration of another system; to allow this, add");
        unnamed.iter().for_each(|replaced| say!("    --replace {}", show::value(replaced)));
        return Ok(ExitCode::from(DIFFERENT));
    }
    if !arguments.apply {
        say!("\nnothing was changed; write these changes with --apply");
        return Ok(ExitCode::from(DIFFERENT));
    }
    confirm(arguments.yes)?;
    ensure!(
        Found::read(api).await? == found,
        "the configuration at Twilio has changed meanwhile; nothing was written, run again"
    );
    let url = display_url(&config.tenants[&*tenant.name].twilio.conversations_url);
    let outcome = write(&plan, api).await;
    if !outcome.is_complete() {
        outcome.show(&url);
        return Ok(ExitCode::from(FAILED));
    }
    let after = match Found::read(api).await {
        Ok(after) => after,
        Err(failure) => {
            say!("\n✗ {url}: all changes are written, but failed to read them back: {}", describe(&failure));
            say!("run the command again, to compare");
            return Ok(ExitCode::from(FAILED));
        }
    };
    if !Plan::new(&after, &needed, &arguments.number).is_empty() {
        say!("\n✗ Twilio accepted the changes, but reports another configuration; run again without --apply");
        return Ok(ExitCode::from(DIFFERENT));
    }
    say!("\n✓ written; Twilio reports the new configuration");
    Ok(ExitCode::SUCCESS)
}

impl Plan {
    fn new(found: &Found, needed: &Needed, numbers: &[String]) -> Self {
        // A number that is given twice would be created twice, which Twilio rejects.
        let numbers: BTreeSet<_> = numbers.iter().collect();
        let addresses = numbers.into_iter().filter_map(|number| found.address_change(number));
        Self { webhooks: found.webhooks.changes(needed), addresses: addresses.collect() }
    }

    fn is_empty(&self) -> bool {
        self.webhooks.is_empty() && self.addresses.is_empty()
    }

    /// Returns the values of other systems that are replaced.
    fn replaced(&self) -> Vec<&str> {
        let webhooks = self.webhooks.iter().flat_map(|change| &change.replaced);
        let addresses = self.addresses.iter().flat_map(|change| &change.replaced);
        webhooks.chain(addresses).map(String::as_str).collect()
    }
}

fn confirm(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(
        std::io::stdin().is_terminal(),
        "standard input is not a terminal: confirm with --yes; nothing was changed"
    );
    eprint!("\nWrite these changes to Twilio? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("failed to read the answer")?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "not confirmed; nothing was changed");
    Ok(())
}
