//! `frontgate dev`: builds a plugin on each save, and asks it again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use frontgate_telemetry::capture;

use crate::dev::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder of plugin.toml.
    folder: PathBuf,
    /// The configuration of a gateway that runs, which gets the plugin. Without it, a gateway is made for the plugin.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where callbacks are accepted: 127.0.0.1:8080, or any free port before a gateway that runs.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Which case is asked after each build, by its file's name without `.json`; the last callback, if none is
    /// named.
    #[arg(long)]
    case: Option<String>,
}

pub(super) fn dev(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { folder, config, listen, case } = arguments;
    let lines = capture::capture()?;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(dev::develop(Options { folder, config, listen, case }, lines));
    // A thread that waits for the next key must not keep the process alive.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}
