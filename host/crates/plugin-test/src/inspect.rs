//! Describes a `.wasm` file for an operator: its roles, the capabilities it needs, and the resources it would use.

use std::collections::BTreeMap;
use std::path::Path;

use frontgate_config::Config;
use frontgate_contract::digest::Digest;
use frontgate_contract::{Description, Manifest};
use frontgate_loader::single;
use frontgate_telemetry::capture::Lines;
use serde::Serialize;

use super::harness::{Harness, Network};
use super::project::Project;

/// Size of a WebAssembly page, in bytes.
const PAGE_BYTES: u64 = 65_536;

/// The description of a file.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub digest: String,
    /// Size, roles, imports, and the capabilities behind them.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The version of the contract that the plugin was built with.
    pub contract: Option<String>,
    /// Languages and tools that the file names, each with the versions.
    pub made_with: BTreeMap<String, Vec<String>>,
    /// A sentence that lists the capabilities that the plugin imports without a grant.
    pub not_granted: Option<String>,
    /// The resources it uses, if a gateway would load it.
    #[serde(rename = "takes")]
    pub resources: Option<Resources>,
    /// The reason why a gateway would not load the file.
    pub fault: Option<String>,
}

/// Resources of one instance in the pool, and of the whole plugin.
#[derive(Debug, Serialize)]
pub struct Resources {
    /// Number of memories of one instance.
    pub memories: u32,
    /// Initial size of the largest memory, in bytes.
    pub memory_bytes: u64,
    /// Memory limit of one call, in bytes.
    pub memory_bytes_max: usize,
    /// Number of tables of one instance.
    pub tables: u32,
    /// Initial number of elements of the largest table.
    pub table_elements: u64,
    /// Maximum number of elements of a table.
    pub table_elements_max: usize,
    /// Size of the machine code in bytes. The code is mapped once for all instances.
    pub code_bytes: usize,
}

/// Inspects a file, with the grants of the project's `plugin.toml` or of the operator's configuration.
pub async fn inspect(path: &Path, operators: &Path, lines: &Lines) -> anyhow::Result<Inspection> {
    let project = Project::find(path)?;
    let config = Config::default();
    let wasm = single::read(project.built()?, &config.plugins).await?;
    let digest = Digest::of(&wasm).to_string();
    let bytes = wasm.len();
    let described = single::describe(wasm, &config.plugins).await;
    let Description { manifest, contract, incompatibility, made_with } = described.unwrap_or_else(|error| {
        let manifest = Manifest { bytes, ..Manifest::default() };
        Description { manifest, incompatibility: Some(format!("{error:#}")), ..Description::default() }
    });
    let mut inspection = Inspection {
        digest,
        manifest,
        contract,
        made_with,
        not_granted: None,
        resources: None,
        fault: incompatibility,
    };
    if inspection.fault.is_some() {
        return Ok(inspection);
    }
    // The plugin is only loaded and sends no requests, so placeholder secrets are enough.
    match Harness::open(path, operators, Network::Mocked, lines).await {
        Ok(harness) => {
            inspection.not_granted = harness.live.missing_grants();
            inspection.resources = resources(&harness);
        }
        Err(error) => inspection.fault = Some(format!("{error:#}")),
    }
    Ok(inspection)
}

fn resources(harness: &Harness) -> Option<Resources> {
    let (component, limits) = (harness.live.pre.component(), &harness.live.limits);
    let needs = component.resources_required()?;
    let code = component.image_range();
    Some(Resources {
        memories: needs.num_memories,
        memory_bytes: needs.max_initial_memory_size.unwrap_or_default().saturating_mul(PAGE_BYTES),
        memory_bytes_max: limits.memory_bytes_max,
        tables: needs.num_tables,
        table_elements: needs.max_initial_table_size.unwrap_or_default(),
        table_elements_max: limits.table_elements_max,
        code_bytes: code.end as usize - code.start as usize,
    })
}
