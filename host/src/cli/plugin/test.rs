//! `frontgate plugin test`: a plugin's own cases, and what the contract expects of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use frontgate_plugin_test::bench::{Bench, Outside};
use frontgate_plugin_test::report;
use frontgate_plugin_test::report::{Count, Format};
use frontgate_plugin_test::suite;
use frontgate_plugin_test::suite::Choice;
use frontgate_telemetry::capture;

use crate::cli::{runtime, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A .wasm file with `cases/` and plugin.toml beside it, or the folder that has them.
    file: PathBuf,
    /// For whom the report is written.
    #[arg(long, value_enum, default_value_t = For::People)]
    format: For,
    /// Only this case, by its file's name without `.json`.
    #[arg(long)]
    case: Option<String>,
    /// Only the plugin's own cases.
    #[arg(long)]
    no_conformance: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum For {
    People,
    Junit,
    Json,
}

/// Ends with 0 if nothing failed, with 1 otherwise.
pub(super) fn test(config: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let lines = capture::capture()?;
    let choice = Choice { case: arguments.case.clone(), no_conformance: arguments.no_conformance };
    let (name, checked) = runtime()?.block_on(async {
        let bench = Bench::open(&arguments.file, config, Outside::Staged, &lines).await?;
        anyhow::Ok((bench.name().to_owned(), suite::check(&bench, &choice).await?))
    })?;
    let format = match arguments.format {
        For::People => Format::People,
        For::Junit => Format::Junit,
        For::Json => Format::Json,
    };
    say!("{}", report::write(&name, &checked, format));
    Ok(if Count::of(&checked).failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
