//! `frontgate dev`: parses its arguments and starts [`crate::dev`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_telemetry::capture;

use crate::dev::{self, Options};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DevArguments {
    /// Folder with plugin.toml
    folder: PathBuf,
    /// Configuration of a running gateway that loads the plugin; by default, a gateway is started
    #[arg(long)]
    config: Option<PathBuf>,
    /// Address for callbacks; by default 127.0.0.1:8080, or a free port in front of a running gateway
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Case to run after each build, by file name without `.json`; by default, the last callback is repeated
    #[arg(long)]
    case: Option<String>,
}

pub(in crate::cli) fn dev(arguments: DevArguments) -> anyhow::Result<ExitCode> {
    let DevArguments { folder, config, listen, case } = arguments;
    let lines = capture::capture()?;
    let runtime = crate::cli::runtime()?;
    let ended = runtime.block_on(dev::develop(Options { folder, config, listen, case }, lines));
    // The process must not wait for the thread that reads standard input.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}
