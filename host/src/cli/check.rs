//! `frontgate check`: checks configuration and plugins without serving.

mod online;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use frontgate_config::Checked;
use frontgate_config::Config;
use frontgate_loader::reload::{Access, Reload};
use frontgate_loader::single;
use frontgate_runtime::{Allocation, Engine, NetworkOverrides, Registry, Services};
use frontgate_system::sandbox::Confinement;
use frontgate_tenants::coverage::{self, Missing};

use super::{customers, say};

const FAULTS_FOUND: u8 = 1;
const COULD_NOT_CHECK: u8 = 2;

pub(super) fn check(file: &Path, online: bool) -> ExitCode {
    let Checked { config, warnings } = match Config::load(file) {
        Ok(checked) => checked,
        Err(faults) => {
            for fault in &faults.0 {
                say!("✗ {fault}");
            }
            say!("\n{} in the configuration", counted(faults.0.len(), "problem"));
            return ExitCode::from(if file.is_file() { FAULTS_FOUND } else { COULD_NOT_CHECK });
        }
    };
    say!("✓ {} is valid, and every secret is set", file.display());
    for warning in &warnings {
        say!("! {warning}");
    }
    for (name, tenant) in &config.tenants {
        let keys = counted(tenant.twilio.auth_tokens.len() + tenant.twilio.shared_keys.len(), "key");
        say!("✓ tenant {name} at {} with {keys} for Twilio signatures", tenant.path);
    }
    customers::warn(&config);
    let config = Arc::new(config);
    let checked = plugins(&config).and_then(|faults| Ok(faults + if online { online::online(&config)? } else { 0 }));
    match checked {
        Ok(0) => {
            say!("\nno problems found");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            say!("\n{} found", counted(faults, "problem"));
            ExitCode::from(FAULTS_FOUND)
        }
        Err(error) => {
            say!("✗ check failed: {error:#}");
            ExitCode::from(COULD_NOT_CHECK)
        }
    }
}

/// Loads every plugin as `run` does, and prints the results. Returns the number of problems.
fn plugins(config: &Arc<Config>) -> anyhow::Result<usize> {
    let folder = config.plugins.directory.display();
    let engine = Engine::new(&config.plugins, Services::default())?;
    match engine.allocation() {
        Allocation::Pool => say!("✓ memory for {} concurrent plugin calls", config.plugins.calls_max),
        slower => say!("! address space is limited: plugin calls are slower ({})", slower.name()),
    }
    let registry = Arc::new(Registry::default());
    let runtime = super::runtime()?;
    confinement(runtime.block_on(single::confinement(&config.plugins)).as_deref());
    runtime.block_on(async {
        let mut reload = Reload::new(
            &engine,
            &registry,
            &(Arc::clone(config) as _),
            NetworkOverrides::default(),
            Access::Read,
            None,
        )?;
        reload.load_until(|| false).await
    })?;
    let mut faults = 0;
    for (name, receipt) in registry.receipts().iter() {
        match (receipt.outcome.reason(), registry.get(name)) {
            (Some(reason), _) => {
                faults += 1;
                say!("✗ plugin {name} is not usable: {reason}\n    fix the file, or remove it from {folder}");
            }
            (None, Some(live)) => {
                let roles: Vec<_> = live.roles().into_iter().map(|role| role.name()).collect();
                say!("✓ plugin {name} ({}) has the roles {}", live.digest.short(), roles.join(", "));
                if let Some(reason) = live.not_granted() {
                    say!("! plugin {name}: {reason}");
                }
            }
            (None, None) => {}
        }
    }
    for reason in coverage::unanswered(&registry, &config.tenants) {
        faults += 1;
        say!("✗ {reason}\n    put the .wasm file of a configured plugin into {folder}, or change [tenants.NAME.roles]");
    }
    for Missing { reason, tenant, plugin, is_live } in coverage::missing(&registry, &config.tenants) {
        faults += 1;
        match is_live {
            true => say!("✗ {reason}\n    remove `{plugin}` from [tenants.{tenant}.roles]"),
            false => say!("✗ {reason}\n    put {plugin}.wasm into {folder}, or correct the name"),
        }
    }
    Ok(faults)
}

/// Prints how the process that compiles untrusted files is confined.
fn confinement(confinement: Option<&Confinement>) {
    let Some(confinement) = confinement else {
        say!("! failed to start the process that compiles plugins");
        return;
    };
    match confinement.parts().as_slice() {
        [] => say!("! the plugin compiler runs without a sandbox, with resource limits only"),
        parts => say!("✓ plugins are compiled in a process confined by {}", parts.join(", ")),
    }
    let missing = confinement.missing();
    if !missing.is_empty() {
        say!("! sandbox of the plugin compiler incomplete, not available on this system: {}", missing.join(", "));
    }
}

fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
