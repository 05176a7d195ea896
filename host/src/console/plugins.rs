//! The pages of plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{CallCounts, Fact, Plugin, PluginPage, Plugins, Receipt};
use frontgate_console_pages::words;
use frontgate_contract::digest::Digest;
use frontgate_loader::reload;
use frontgate_loader::reload::Command;
use frontgate_recorder::{Recorder, SeriesKey};
use frontgate_store::now_ms;
use hyper::StatusCode;
use tokio::time::timeout;

use super::answers::{Answer, Refusal};
use super::deliveries::with_status;
use super::{Call, Console, page, problem};
use crate::admin_pages::status;

/// Receipts that a page shows.
const RECEIPTS_MAX: usize = 50;

/// Time in milliseconds whose calls are counted.
const CALLS_MS: u64 = 3_600_000;

/// Returns a digest of the status in the short form of the commands.
fn short(digest: &str) -> String {
    digest.parse::<Digest>().map_or_else(|_| digest.to_owned(), |digest| digest.short())
}

/// Returns all plugins for a page, without their calls.
pub(super) fn all(plugins: &BTreeMap<String, status::Plugin>) -> Vec<Plugin> {
    plugins.iter().map(|(name, plugin)| row(name, plugin)).collect()
}

fn row(name: &str, plugin: &status::Plugin) -> Plugin {
    let live = plugin.live.as_ref();
    let attempt = plugin.last_attempt.as_ref();
    let is_waiting = |attempt: &&status::Attempt| attempt.outcome == "waiting";
    let breaker = live.and_then(|live| live.breaker_open_ms);
    let state = match (live, plugin.loading, plugin.probation) {
        (_, true, _) => "loading",
        (None, ..) => "not live",
        (Some(_), _, _) if breaker.is_some() => "paused",
        (Some(_), _, true) => "on probation",
        (Some(_), ..) => "live",
    };
    let note = match (breaker, attempt) {
        (Some(ms), _) => Some(format!(
            "It failed repeatedly and is not called for {}.",
            words::duration(i64::try_from(ms).unwrap_or(i64::MAX))
        )),
        (None, Some(attempt)) if ["waiting", "refused", "kept", "rolled-back"].contains(&attempt.outcome.as_str()) => {
            let reason = attempt.reason.as_deref().unwrap_or("no reason was given");
            Some(format!("{}: {reason}", words_of(&attempt.outcome)))
        }
        (None, None | Some(_)) if live.is_none() && !plugin.loading => Some("No version is live.".to_owned()),
        (None, _) => None,
    };
    Plugin {
        name: name.to_owned(),
        digest: live.map(|live| short(&live.digest)),
        roles: live.map(|live| live.roles.clone()).unwrap_or_default(),
        since_ms: live.map(|live| i64::try_from(live.since.saturating_mul(1_000)).unwrap_or(i64::MAX)),
        state,
        note,
        waiting: attempt.filter(is_waiting).and_then(|attempt| attempt.digest.as_deref()).map(short),
        calls: CallCounts::default(),
    }
}

/// Adds the calls of the last hour.
fn with_calls(plugin: Plugin, recorder: &Recorder) -> Plugin {
    let key = SeriesKey::Plugin { plugin: plugin.name.as_str().into() };
    let counts = recorder.series().sum(&key, now_ms().saturating_sub(CALLS_MS));
    let calls = CallCounts {
        count: counts.count(),
        failed: u64::from(counts.errors) + u64::from(counts.refusals),
        p95_us: counts.percentile_us(95),
    };
    Plugin { calls, ..plugin }
}

fn calls_fact(calls: &CallCounts) -> Fact {
    let within = calls.p95_us.map(|us| format!(", 95 % within {}", words::micros(us))).unwrap_or_default();
    Fact::new("Calls in the last hour", format!("{}, {} failed{within}", calls.count, calls.failed))
}

fn words_of(outcome: &str) -> &'static str {
    match outcome {
        "waiting" => "A version waits for approval",
        "refused" => "The file was refused",
        "kept" => "The new file was refused, the previous version runs",
        _ => "Rolled back",
    }
}

fn receipts(status: &status::Status, only: Option<&str>) -> Vec<Receipt> {
    let wanted = status.receipts.iter().filter(|receipt| only.is_none_or(|name| receipt.plugin == name));
    let row = |receipt: &frontgate_runtime::registry::Receipt| Receipt {
        plugin: receipt.plugin.clone(),
        time_ms: i64::try_from(receipt.time_ms).unwrap_or(i64::MAX),
        outcome: receipt.outcome.name().to_owned(),
        digest: receipt.digest.map(|digest| digest.short()),
        reason: receipt.outcome.reason().map(str::to_owned),
    };
    wanted.take(RECEIPTS_MAX).map(row).collect()
}

impl Console {
    pub(super) async fn plugins(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs_all_tenants()?;
        let status = self.status().await;
        let plugins = all(&status.plugins).into_iter().map(|plugin| with_calls(plugin, &self.sources.recorder));
        let view = Plugins { plugins: plugins.collect(), receipts: receipts(&status, None) };
        Ok(page(call, "/plugins", view))
    }

    pub(super) async fn plugin(
        self: &Arc<Self>,
        call: Call,
        name: &str,
        notice: Option<(StatusCode, String)>,
    ) -> Result<Answer, Refusal> {
        call.needs_all_tenants()?;
        let status = self.status().await;
        let plugin = status.plugins.get(name).ok_or(Refusal::NotFound)?;
        let row = with_calls(row(name, plugin), &self.sources.recorder);
        let mut facts = vec![calls_fact(&row.calls)];
        if let Some(live) = &plugin.live {
            facts.push(Fact::new("Digest", live.digest.clone()));
            facts.push(Fact::new("Live since", words::time(i64::try_from(live.since * 1_000).unwrap_or(i64::MAX))));
            facts.push(Fact::new("Roles", live.roles.join(", ")));
            facts.push(Fact::new("Size", words::bytes(u64::try_from(live.bytes).unwrap_or(u64::MAX))));
            facts.extend(live.sdk.as_ref().map(|sdk| Fact::new("SDK", sdk.clone())));
            facts.extend(live.not_granted.as_ref().map(|missing| Fact::new("Not granted", missing.clone())));
        }
        for (tenant, kept) in status.state.as_ref().and_then(|state| state.get(name)).into_iter().flatten() {
            if call.session.sees(tenant) {
                let bytes = words::bytes(u64::try_from(kept.bytes).unwrap_or_default());
                facts.push(Fact::new("State", format!("{tenant}: {} keys, {bytes}", kept.keys)));
            }
        }
        let (code, notice) = notice.map_or((StatusCode::OK, None), |(code, notice)| (code, Some(notice)));
        let view = PluginPage {
            plugin: row,
            facts,
            imports: plugin.live.as_ref().map(|live| live.imports.clone()).unwrap_or_default(),
            versions: plugin.versions.iter().map(|version| version.digest.short()).collect(),
            receipts: receipts(&status, Some(name)),
            notice,
        };
        Ok(with_status(code, page(call, "/plugins", view)))
    }

    /// Rolls back to a version or allows one, and shows the plugin again.
    pub(super) async fn change_plugin(
        self: &Arc<Self>,
        call: Call,
        name: &str,
        action: &str,
    ) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        call.needs_all_tenants()?;
        if !self.sources.admin_pages.plugins().contains_key(name) {
            return Err(Refusal::NotFound);
        }
        let digest = call.form("digest").map(str::to_owned);
        let object = format!("plugin {name}");
        let what = format!("{action} {}", digest.as_deref().unwrap_or("the last good version"));
        self.sources.store.record_action(&call.session.actor(), None, &what, &object, call.form("reason")).await?;
        let name = name.to_owned();
        let command = match action {
            "allow" => Command::Allow { name: name.clone(), digest },
            _ => Command::Rollback { name: name.clone(), digest },
        };
        let notice = match timeout(self.sources.reloader.timeout(), self.sources.commands.send(command)).await {
            Ok(Ok(answer)) => (StatusCode::OK, outcome(&answer)),
            Ok(Err(reason)) => (StatusCode::CONFLICT, format!("Not possible: {reason}.")),
            Err(_) => (StatusCode::ACCEPTED, "The command is still running; its result appears below.".to_owned()),
        };
        self.plugin(call, &name, Some(notice)).await
    }

    /// Reloads configuration and plugins, like `frontgate reload`.
    pub(super) async fn reload(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        call.needs_all_tenants()?;
        let store = &self.sources.store;
        store.record_action(&call.session.actor(), None, "reload", "configuration and plugins", None).await?;
        match timeout(self.sources.reloader.timeout(), self.sources.reloader.reload()).await {
            Ok(Ok(result)) => match result.configuration.as_ref().and_then(|receipt| receipt.outcome.reason()) {
                Some(reason) => Ok(problem(call, "/plugins", "The configuration was rejected", reason.to_owned())),
                None => self.plugins(call).await,
            },
            Ok(Err(reason)) => Ok(problem(call, "/plugins", "The reload failed", reason)),
            Err(_) => self.plugins(call).await,
        }
    }
}

fn outcome(answer: &reload::Answer) -> String {
    let said: Vec<String> = answer
        .receipts
        .iter()
        .map(|receipt| {
            let reason = receipt.outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} {}{reason}", receipt.plugin, receipt.outcome.name())
        })
        .collect();
    if said.is_empty() { "Nothing changed.".to_owned() } else { said.join("; ") }
}
