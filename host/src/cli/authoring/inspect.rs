//! `frontgate plugin inspect`: describes a `.wasm` file.

use std::path::Path;
use std::process::ExitCode;

use frontgate_plugin_test::inspect;
use frontgate_plugin_test::inspect::{Inspection, Resources};
use frontgate_telemetry::capture;

use crate::cli::{runtime, say};

const MIB: u64 = 1 << 20;
/// Languages whose tools import the whole contract, even unused parts.
const IMPORT_ALL: [&str; 2] = ["JavaScript", "Python"];

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
    say!("  contract   {}", found.contract.as_deref().unwrap_or("none"));
    say!(
        "  instances  {}",
        if found.manifest.reusable { "reused (marked by `plugin test`)" } else { "fresh for each call" }
    );
    if let Some(sdk) = &found.manifest.sdk {
        say!("  SDK        frontgate-sdk {sdk}");
    }
    let tools = found.made_with.iter().map(|(name, versions)| format!("{name} {}", versions.join(" and ")));
    say!("  made with  {}", or_none(list(&mut tools.map(|tool| tool.trim_end().to_owned()))));
    say!("  needs      {}", or_none(list(&mut found.manifest.capabilities.iter().map(ToString::to_string))));
    if let Some(reason) = &found.not_granted {
        say!("             ! {reason}");
        if let Some(language) = IMPORT_ALL.iter().find(|language| found.made_with.contains_key(**language)) {
            say!("               {language} imports the whole contract; grant what the plugin uses");
        }
    }
    let (usual, own): (Vec<_>, Vec<_>) = found.manifest.imports.iter().partition(|name| name.starts_with("wasi:"));
    let usual = (!usual.is_empty()).then(|| format!("and {} of WASI (listed by --json)", usual.len()));
    for (index, import) in own.into_iter().chain(&usual).enumerate() {
        say!("  {:9}  {import}", if index == 0 { "imports" } else { "" });
    }
    if let Some(resources) = &found.resources {
        print_resources(resources);
    }
    match &found.fault {
        Some(fault) => say!("\n✗ not loadable: {fault}"),
        None => say!("\n✓ loadable"),
    }
}

fn print_resources(resources: &Resources) {
    let mib = |bytes: u64| format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB);
    let max = u64::try_from(resources.memory_bytes_max).unwrap_or(u64::MAX);
    say!(
        "  per call   memories: {}, {} at the start, limit {}; tables: {}, {} elements at the start, limit {}",
        resources.memories,
        mib(resources.memory_bytes),
        mib(max),
        resources.tables,
        resources.table_elements,
        resources.table_elements_max
    );
    say!("  per plugin {} of machine code", mib(u64::try_from(resources.code_bytes).unwrap_or(u64::MAX)));
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}
