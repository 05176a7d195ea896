//! `frontgate plugin inspect`: what a file is, wants and takes.

use std::path::Path;
use std::process::ExitCode;

use frontgate_plugin_test::inspect;
use frontgate_plugin_test::inspect::{Inspection, Takes};
use frontgate_telemetry::capture;

use crate::cli::{runtime, say};

const MIB: u64 = 1 << 20;
/// Languages whose tools import what a plugin uses and what it does not.
const EVERYTHING: [&str; 2] = ["JavaScript", "Python"];

pub(super) fn inspect(config: &Path, file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let lines = capture::capture()?;
    let found = runtime()?.block_on(inspect::inspect(file, config, &lines))?;
    if json {
        say!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print(file, &found);
    }
    Ok(if found.fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(file: &Path, found: &Inspection) {
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    say!("{}", file.display());
    say!("  digest     {}", found.digest);
    say!("  size       {} KiB", found.manifest.bytes.div_ceil(1024));
    say!("  roles      {}", or_none(list(&mut found.manifest.roles.iter().cloned())));
    say!("  contract   {}", found.contract.as_deref().unwrap_or("none of ours"));
    if let Some(sdk) = &found.manifest.sdk {
        say!("  SDK        frontgate-sdk {sdk}");
    }
    let tools = found.made_with.iter().map(|(name, versions)| format!("{name} {}", versions.join(" and ")));
    say!("  made with  {}", or_none(list(&mut tools.map(|tool| tool.trim_end().to_owned()))));
    say!("  needs      {}", or_none(list(&mut found.manifest.capabilities.iter().map(ToString::to_string))));
    if let Some(reason) = &found.not_granted {
        say!("             ! {reason}");
        if let Some(language) = EVERYTHING.iter().find(|language| found.made_with.contains_key(**language)) {
            say!("               {language} imports all of the contract; grant what it uses");
        }
    }
    let (usual, own): (Vec<_>, Vec<_>) = found.manifest.imports.iter().partition(|name| name.starts_with("wasi:"));
    let usual = (!usual.is_empty()).then(|| format!("and {} of WASI (--json has them)", usual.len()));
    for (index, import) in own.into_iter().chain(&usual).enumerate() {
        say!("  {:9}  {import}", if index == 0 { "imports" } else { "" });
    }
    if let Some(takes) = &found.takes {
        print_takes(takes);
    }
    match &found.fault {
        Some(fault) => say!("\n✗ a gateway would not load it: {fault}"),
        None => say!("\n✓ a gateway would load it"),
    }
}

fn print_takes(takes: &Takes) {
    let mib = |bytes: u64| format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB);
    let max = u64::try_from(takes.memory_bytes_max).unwrap_or(u64::MAX);
    say!(
        "  each call  a place of the pool; memories: {}, {} at the start of {} that it may have; tables: {}, {} elements of {}",
        takes.memories,
        mib(takes.memory_bytes),
        mib(max),
        takes.tables,
        takes.table_elements,
        takes.table_elements_max
    );
    say!("  once       {} of machine code", mib(u64::try_from(takes.code_bytes).unwrap_or(u64::MAX)));
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}
