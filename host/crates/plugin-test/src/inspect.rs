//! What a `.wasm` file is, what it wants, and what it would take: for an operator who was handed one.

use std::collections::BTreeMap;
use std::path::Path;

use frontgate_config::Config;
use frontgate_contract::digest::Digest;
use frontgate_contract::{Description, Manifest};
use frontgate_loader::single;
use frontgate_telemetry::capture::Lines;
use serde::Serialize;

use super::bench::{Bench, Outside};
use super::project::Project;

/// Memories are counted in pages.
const PAGE_BYTES: u64 = 65_536;

/// All that can be said of a file.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub digest: String,
    /// Size, roles, imports, and what it reaches through them.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The version of the contract that it was built with.
    pub contract: Option<String>,
    /// Languages and tools that it names, each with its versions.
    pub made_with: BTreeMap<String, Vec<String>>,
    /// What it wants and was not granted, as a sentence.
    pub not_granted: Option<String>,
    /// What it takes, if a gateway would load it.
    pub takes: Option<Takes>,
    /// Why a gateway would not.
    pub fault: Option<String>,
}

/// What each call of it takes of the pool, and what it takes once.
#[derive(Debug, Serialize)]
pub struct Takes {
    /// Memories of one instance.
    pub memories: u32,
    /// Bytes of the largest, when it starts.
    pub memory_bytes: u64,
    /// What a call may have.
    pub memory_bytes_max: usize,
    /// Tables of one instance.
    pub tables: u32,
    /// Elements of the largest, when it starts.
    pub table_elements: u64,
    /// What a call may have.
    pub table_elements_max: usize,
    /// Bytes of machine code, mapped once.
    pub code_bytes: usize,
}

/// Looks at a file, against what an author or an operator grants it.
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
    let mut inspection =
        Inspection { digest, manifest, contract, made_with, not_granted: None, takes: None, fault: incompatibility };
    if inspection.fault.is_some() {
        return Ok(inspection);
    }
    // Nothing is sent while it only starts, so that secrets may be made up.
    match Bench::open(path, operators, Outside::Staged, lines).await {
        Ok(bench) => {
            inspection.not_granted = bench.live.missing_grants();
            inspection.takes = takes(&bench);
        }
        Err(error) => inspection.fault = Some(format!("{error:#}")),
    }
    Ok(inspection)
}

fn takes(bench: &Bench) -> Option<Takes> {
    let (component, limits) = (bench.live.pre.component(), &bench.live.limits);
    let needs = component.resources_required()?;
    let code = component.image_range();
    Some(Takes {
        memories: needs.num_memories,
        memory_bytes: needs.max_initial_memory_size.unwrap_or_default().saturating_mul(PAGE_BYTES),
        memory_bytes_max: limits.memory_bytes_max,
        tables: needs.num_tables,
        table_elements: needs.max_initial_table_size.unwrap_or_default(),
        table_elements_max: limits.table_elements_max,
        code_bytes: code.end as usize - code.start as usize,
    })
}
