//! The command line: parses arguments, calls the other crates, prints results. Contains no logic of its own.
#![expect(clippy::print_stderr, reason = "commands print errors")]

mod act;
mod app;
mod audit;
#[cfg(feature = "authoring")]
mod authoring;
#[cfg(not(feature = "authoring"))]
#[path = "cli/no_authoring.rs"]
mod authoring;
mod bulk;
mod channels;
mod check;
mod client;
mod config;
mod console;
mod customers;
mod deliveries;
mod events;
mod format;
mod plugin;
mod reload;
mod replicas;
mod run;
mod send;
mod setup;
#[cfg(feature = "simulator")]
mod simulate;
#[cfg(not(feature = "simulator"))]
#[path = "cli/no_simulator.rs"]
mod simulate;
mod status;
mod store;
mod tenant;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use frontgate_config::Checked;
use frontgate_config::Config;
use frontgate_gateway::settings::PublicUrl;
use frontgate_loader::compiler_child;

/// A gateway between customer-messaging platforms and a company's own systems.
#[derive(Debug, Parser)]
#[command(name = "frontgate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// Configuration file
    #[arg(long, default_value = "config.toml", env = "FRONTGATE_CONFIG", global = true)]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT, then drain
    Run {
        #[command(flatten)]
        config: ConfigFile,
        /// URL that the platforms call, instead of `server.public_url`: for a tunnel, whose URL changes
        #[arg(long, value_name = "URL")]
        public_url: Option<PublicUrl>,
    },
    /// Check configuration and plugins without serving
    ///
    /// Exits with 0 if no problem was found, 1 if problems were found, 2 if the check could not run.
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// Also verify credentials and webhook URLs with Twilio
        #[arg(long)]
        online: bool,
    },
    /// Print the configuration with its defaults, or the schema of `config.toml`
    Config {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: config::Command,
    },
    /// Reload configuration and plugins of the running gateway, and wait for the result
    ///
    /// Exits with 0 if the configuration is applied and every plugin file is live, 1 if not, 2 if the gateway could
    /// not be reached.
    Reload(#[command(flatten)] ConfigFile),
    /// List, roll back and approve plugins; create, test and inspect them
    Plugin {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: plugin::Command,
    },
    /// Show the configuration at a platform, and change it to what a tenant needs
    Setup {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: setup::Command,
    },
    /// Rebuild a plugin on each save, reload it in a gateway, and repeat the last call
    #[cfg_attr(not(feature = "authoring"), command(hide = true))]
    Dev(authoring::DevArguments),
    /// Run a second gateway between simulated platforms, with the same configuration, keys and live plugins
    ///
    /// It has an empty database, and ends with this command. Nothing reaches Twilio or Front. Requests of plugins that only
    /// read are sent; all others are held and listed.
    #[cfg_attr(not(feature = "simulator"), command(hide = true))]
    Simulate {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        arguments: simulate::Arguments,
    },
    /// Send a signed request to the running gateway, as the platform does
    Send {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: send::Command,
    },
    /// Explain why a Twilio signature matches or not; for Front use `verify front`
    #[command(subcommand_negates_reqs = true)]
    Verify {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        command: verify::Command,
    },
    /// Show what needs attention, and the callbacks of the last hour
    Status {
        #[command(flatten)]
        config: ConfigFile,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a login link for the console, a set of pages for a browser
    Console {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        arguments: console::Arguments,
    },
    /// Follow the requests of the running gateway
    Events {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: events::Command,
    },
    /// List and verify the record of people's actions
    Audit {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: audit::Command,
    },
    /// List deliveries, and retry, resolve or cancel them
    Deliveries {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: deliveries::Command,
    },
    /// Change a conversation in Twilio: post, update, add, remove, transfer
    ///
    /// The change is accepted into the delivery queue, and made by the running gateway, or by the next one.
    Act {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        arguments: act::Arguments,
    },
    /// List channels of Front apps, and disconnect one
    Channels {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: channels::Command,
    },
    /// Show, migrate or copy the database
    Store {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: store::Command,
    },
    /// Show and change the index of customers
    Customers {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: customers::Command,
    },
    /// List the gateways that share a database, or retire one
    Replicas {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        command: replicas::Command,
    },
    /// Describe a component from standard input, and compile it to standard output
    #[command(name = compiler_child::COMMAND, hide = true)]
    CompilePlugin {
        /// Work order as JSON
        order: Option<String>,
        /// Process id of the gateway; this process ends with it
        #[arg(long)]
        gateway: u32,
    },
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { config, public_url } => run::run(&config.config, public_url),
        Command::Check { config, online } => return check::check(&config.config, online),
        Command::Config { config: file, command } => config::config(&file.config, &command),
        Command::Reload(file) => return reload::reload(&file.config),
        Command::Plugin { config, command } => plugin::plugin(&config.config, &command),
        Command::Setup { config, command } => setup::setup(&config.config, &command),
        Command::Dev(arguments) => authoring::dev(arguments),
        Command::Simulate { config, arguments } => simulate::simulate(&config.config, arguments),
        Command::Send { config, command } => send::send(&config.config, &command),
        Command::Verify { config, command } => verify::verify(&config.config, &command),
        Command::Status { config, json } => status::status(&config.config, json),
        Command::Console { config, arguments } => console::console(&config.config, arguments),
        Command::Events { config, command } => events::events(&config.config, command),
        Command::Audit { config, command } => audit::audit(&config.config, &command),
        Command::Deliveries { config, command } => deliveries::deliveries(&config.config, &command),
        Command::Act { config, arguments } => act::act(&config.config, arguments),
        Command::Channels { config, command } => channels::channels(&config.config, &command),
        Command::Store { config, command } => store::store(&config.config, &command),
        Command::Customers { config, command } => customers::customers(&config.config, command),
        Command::Replicas { config, command } => replicas::replicas(&config.config, &command),
        Command::CompilePlugin { order, gateway } => return compiler_child::compile_here(order.as_deref(), gateway),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Prints a line. If the reader has closed the pipe, as `head` does, exits with success.
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
