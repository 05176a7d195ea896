//! `frontgate plugin test`: runs a plugin's cases and the checks of the contract.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use frontgate_plugin_test::report::{Count, Format};
use frontgate_plugin_test::suite::{Marked, Selection};
use frontgate_plugin_test::{Harness, Network, report, suite};
use frontgate_telemetry::capture;

use crate::cli::{runtime, say};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// .wasm file with `cases/` and plugin.toml beside it, or the folder that has them
    file: PathBuf,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
    /// Run only this case, by file name without `.json`
    #[arg(long)]
    case: Option<String>,
    /// Run only the plugin's cases
    #[arg(long)]
    no_conformance: bool,
    /// Seed of the shuffled orders in which a reusable plugin's cases run, to repeat a failure
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReportFormat {
    Text,
    Junit,
    Json,
}

/// Runs the checks, and marks a reusable plugin's file. The exit status is 0 if no check failed, otherwise 1.
pub(super) fn test(config: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let lines = capture::capture()?;
    let Arguments { case, no_conformance, seed, .. } = arguments;
    let selection = Selection { case: case.clone(), no_conformance: *no_conformance, seed: *seed };
    let (name, (checked, marked)) = runtime()?.block_on(async {
        let harness = Harness::open(&arguments.file, config, Network::Mocked, &lines).await?;
        anyhow::Ok((harness.name().to_owned(), suite::check(&harness, &selection).await?))
    })?;
    let format = match arguments.format {
        ReportFormat::Text => Format::Text,
        ReportFormat::Junit => Format::Junit,
        ReportFormat::Json => Format::Json,
    };
    say!("{}", report::write(&name, &checked, format));
    match marked.filter(|_| format == Format::Text) {
        Some(Marked::Yes) => {
            say!("{name} is marked as reusable: a gateway reuses its instances for calls of one tenant")
        }
        Some(Marked::No) => say!("{name} is not marked as reusable: a gateway starts a fresh instance for each call"),
        None => {}
    }
    Ok(if Count::of(&checked).failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
