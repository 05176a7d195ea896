//! The command lines of the simulators. Each program in `src/bin` only calls [`run`].

mod client;
mod file;
pub mod front;
pub mod hubspot;
pub mod rest;
pub mod salesforce;
mod secrets;
pub mod small_crm;
pub mod twilio;
pub mod whatsapp;

use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context as _, Result};
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};

/// The result of a command.
pub enum Outcome<S> {
    /// A simulator that runs until it is dropped, and a text with its addresses.
    Serving(S, String),
    /// A completed command, with the text to print.
    Done(String),
}

/// Runs a program with the arguments of this process.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is the purpose of a command")]
pub fn run<S>(execute: impl FnOnce(std::env::ArgsOs) -> Result<Outcome<S>>) -> ExitCode {
    match execute(std::env::args_os()) {
        Ok(Outcome::Done(text)) => print!("{text}"),
        Ok(Outcome::Serving(_simulator, text)) => {
            println!("{text}");
            loop {
                thread::park();
            }
        }
        Err(error) => match error.downcast::<clap::Error>() {
            // Help and version arrive as errors too; `exit` ends them with status 0.
            Ok(usage) => usage.exit(),
            Err(error) => {
                eprintln!("{error:#}");
                return ExitCode::FAILURE;
            }
        },
    }
    ExitCode::SUCCESS
}

/// Arguments of all simulators.
#[derive(Debug, clap::Args)]
struct Process {
    /// Exit when the parent process exits
    #[arg(long)]
    end_with_parent: bool,
}

impl Process {
    fn prepare(&self) -> Result<()> {
        if self.end_with_parent {
            set_parent_process_death_signal(Some(Signal::TERM)).context("cannot watch the parent process")?;
        }
        Ok(())
    }
}

/// Parses arguments, the first of which is the program's name.
fn parse<P: Parser>(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<P> {
    Ok(P::try_parse_from(arguments)?)
}
