//! The commands: they print, and leave every decision to the rooms below.
#![expect(clippy::print_stderr, reason = "printing is what commands are for")]

mod app;
mod channels;
mod check;
mod client;
mod config;
mod deliveries;
mod dev;
mod plugin;
mod reload;
mod run;
mod send;
mod tenant;
mod verify;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use frontgate_config::Checked;
use frontgate_config::Config;
use frontgate_loader::child;

/// A gateway between customer-messaging platforms and a company's own systems.
#[derive(Debug, Parser)]
#[command(name = "frontgate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration.
    #[arg(long, default_value = "config.toml", env = "FRONTGATE_CONFIG", global = true)]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT, then drains.
    Run(#[command(flatten)] ConfigFile),
    /// Checks configuration and plugins without serving.
    ///
    /// Ends with 0 if all is well, 1 if faults were found, 2 if it could not check.
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// Also asks Twilio whether the credentials work, and where its webhooks point.
        #[arg(long)]
        online: bool,
    },
    /// Prints the configuration with its defaults, or the schema of `config.toml`.
    Config {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: config::Command,
    },
    /// Lets the running gateway read `config.toml` again and look at every plugin, and waits for what comes of it.
    ///
    /// Ends with 0 if the configuration counts and every file is live, 1 if not, 2 if the gateway could not be
    /// asked.
    Reload(#[command(flatten)] ConfigFile),
    /// Looks at plugins, and decides about their versions.
    Plugin {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: plugin::Command,
    },
    /// Builds a plugin on each save, puts it into a gateway of its own, and asks it again.
    Dev(dev::Arguments),
    /// Sends a signed request to the running gateway, as the platform would.
    Send {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: send::Command,
    },
    /// Says why a signature of Twilio's matches, or does not; `verify front`: one of Front's.
    #[command(subcommand_negates_reqs = true)]
    Verify {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        command: verify::Command,
    },
    /// Looks at what is to be delivered, and decides what the gateway cannot.
    Deliveries {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: deliveries::Command,
    },
    /// Looks at channels of Front apps, and takes one out.
    Channels {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: channels::Command,
    },
    /// Describes a component from standard input, and compiles it to standard output.
    #[command(name = child::COMMAND, hide = true)]
    CompilePlugin {
        /// What to do, as JSON.
        order: Option<String>,
        /// It ends with this process.
        #[arg(long)]
        gateway: u32,
    },
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(file) => run::run(&file.config),
        Command::Check { config, online } => return check::check(&config.config, online),
        Command::Config { config: file, command } => config::config(&file.config, &command),
        Command::Reload(file) => return reload::reload(&file.config),
        Command::Plugin { config, command } => plugin::plugin(&config.config, &command),
        Command::Dev(arguments) => dev::dev(arguments),
        Command::Send { config, command } => send::send(&config.config, &command),
        Command::Verify { config, command } => verify::verify(&config.config, &command),
        Command::Deliveries { config, command } => deliveries::deliveries(&config.config, &command),
        Command::Channels { config, command } => channels::channels(&config.config, &command),
        Command::CompilePlugin { order, gateway } => return child::compile_here(order.as_deref(), gateway),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Prints a line. A reader that has seen enough, such as `head`, is no error.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        if writeln!(std::io::stdout(), $($words)*).is_err() {
            std::process::exit(0);
        }
    }};
}
use say;

fn load(file: &std::path::Path) -> anyhow::Result<Checked> {
    Config::load(file).map_err(|faults| anyhow::anyhow!("{faults}"))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(frontgate_memory::before_sleep)
        .build()?)
}
