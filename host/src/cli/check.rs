//! `frontgate check`: a checklist of configuration and plugins, without serving.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{Checked, Config};
use crate::plugin::engine::{Allocation, Engine};
use crate::plugin::registry::Registry;
use crate::plugin::reload::Reload;
use crate::roles;

const FAULTS_FOUND: u8 = 1;
const COULD_NOT_CHECK: u8 = 2;

pub(super) fn check(file: &Path) -> ExitCode {
    let Checked { config, warnings } = match Config::load(file) {
        Ok(checked) => checked,
        Err(faults) => {
            for fault in &faults.0 {
                println!("✗ {fault}");
            }
            println!("\n{} in the configuration", counted(faults.0.len(), "fault"));
            return ExitCode::from(if file.is_file() { FAULTS_FOUND } else { COULD_NOT_CHECK });
        }
    };
    println!("✓ {} is complete and every secret is there", file.display());
    for warning in &warnings {
        println!("! {warning}");
    }
    for (name, tenant) in &config.tenants {
        let keys = counted(tenant.twilio.auth_tokens.len() + tenant.twilio.shared_keys.len(), "key");
        println!("✓ tenant {name} at {} with {keys} for Twilio's signatures", tenant.path);
    }
    match plugins(config) {
        Ok(0) => {
            println!("\nall is well");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            println!("\n{} found", counted(faults, "fault"));
            ExitCode::from(FAULTS_FOUND)
        }
        Err(error) => {
            println!("✗ the plugins could not be checked: {error:#}");
            ExitCode::from(COULD_NOT_CHECK)
        }
    }
}

/// Loads every plugin as `run` would, and says what it found; how many faults there were.
fn plugins(config: Config) -> anyhow::Result<usize> {
    let config = Arc::new(config);
    let folder = config.plugins.directory.display();
    let engine = Engine::new(&config.plugins)?;
    match engine.allocation() {
        Allocation::Pool => println!("✓ room for {} plugin calls at one time", config.plugins.calls_max),
        slower => println!("! calls are slower than they could be, for want of address space ({})", slower.name()),
    }
    let registry = Arc::new(Registry::default());
    super::runtime()?.block_on(async {
        let mut reload = Reload::new(&engine, &registry, &config)?;
        reload.load_until(|| false).await
    })?;
    let mut faults = 0;
    for (name, receipt) in registry.receipts().iter() {
        match (receipt.outcome.reason(), registry.get(name)) {
            (Some(reason), _) => {
                faults += 1;
                println!("✗ plugin {name} is not usable: {reason}\n    mend the file, or take it out of {folder}");
            }
            (None, Some(live)) => {
                let roles: Vec<_> = live.roles().into_iter().map(|role| role.name()).collect();
                println!("✓ plugin {name} ({}) answers {}", live.digest.short(), roles.join(", "));
            }
            (None, None) => {}
        }
    }
    for reason in roles::unanswered(&registry, &config) {
        faults += 1;
        println!("✗ {reason}\n    put the plugin's .wasm file into {folder}, or change the role");
    }
    Ok(faults)
}

fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
