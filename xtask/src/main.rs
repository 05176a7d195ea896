//! `cargo xtask COMMAND`: the project's only build tool. Needs only rustup's cargo, and installs all other tools.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

mod bench;
mod build;
mod chromium;
mod deny;
mod freeze;
mod fuzz;
mod languages;
mod postgres;
mod run;
mod test;
mod tools;
mod wording;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// One command of the command line.
struct Command {
    name: &'static str,
    /// Arguments as shown in the help. If empty, the command rejects arguments.
    arguments: &'static str,
    /// Lines of the help; the first one is the summary.
    help: &'static [&'static str],
    execute: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "build",
        arguments: "",
        help: &["builds the release gateway (target/release/frontgate) and the shipped plugins (plugins/*.wasm)"],
        execute: |_| build::build(),
    },
    Command {
        name: "run",
        arguments: "",
        help: &["builds the gateway with the quick profile and runs config.toml with the simulators"],
        execute: |_| run::run(),
    },
    Command {
        name: "test",
        arguments: "[style | lint | suite [FILTER...]]",
        help: &[
            "runs every check of CI, or one part of them",
            "style: formatting, banned phrases, spelling, licences and sources of packages",
            "lint:  clippy on the whole workspace, with warnings as errors",
            "suite: builds gateway and plugins, then runs the tests whose names contain a FILTER, or all tests",
        ],
        execute: test::test,
    },
    Command {
        name: "screenshots",
        arguments: "",
        help: &["takes the pictures of the console in README.md, from the demo in Chromium (docs/images)"],
        execute: |_| test::screenshots(),
    },
    Command {
        name: "tools",
        arguments: "",
        help: &[
            "installs the compilers of other languages, Twilio's client and an authorization server into target/tools/bin;",
            "`test` does this, too",
        ],
        execute: |_| languages::languages().map(|programs| println!("{}", programs.display())),
    },
    Command {
        name: "bench",
        arguments: "[PART...] [--rounds N] [--seconds S] [--out FILE] [--with-million] [--with-wasmtime-serve]",
        help: &[
            "builds the release gateway and measures it against native code, Node and others",
            "parts: list, nothing, shipped, call, languages, reload, beside, start, memory, overload, cost, store, sync, tenants; see bench/README.md",
        ],
        execute: bench::bench,
    },
    Command {
        name: "deny",
        arguments: "",
        help: &["checks packages, licences, sources and known vulnerabilities (deny.toml); `test` does this, too"],
        execute: |_| deny::deny(),
    },
    Command {
        name: "fuzz",
        arguments: "[TARGET...] [--seconds N]",
        help: &["runs fuzz targets, all by default, for 30 seconds or N seconds each"],
        execute: fuzz::fuzz,
    },
    Command {
        name: "freeze",
        arguments: "",
        help: &["copies the contract of a released version into wit/released; run it once per release"],
        execute: |_| freeze::freeze(),
    },
];

impl Command {
    fn usage(&self) -> String {
        format!("usage: cargo xtask {} {}", self.name, self.arguments).trim_end().to_owned()
    }

    fn run(&self, arguments: &[String]) -> Result<()> {
        if arguments.iter().any(|argument| is_help(argument)) {
            println!("{}\n\n{}", self.usage(), self.help.join("\n"));
            return Ok(());
        }
        if self.arguments.is_empty() && !arguments.is_empty() {
            bail!("unexpected argument `{}`\n{}", arguments.join(" "), self.usage());
        }
        (self.execute)(arguments)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, arguments) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    if name == run::GREET {
        return run::greet(arguments).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        print_commands();
        return if is_help(name) { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    match command.run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h" | "help")
}

fn print_commands() {
    println!("usage: cargo xtask COMMAND [ARGUMENT...]\n");
    for Command { name, help, .. } in COMMANDS {
        println!("  {name:<7} {}", help[0]);
    }
    println!("\n`cargo xtask COMMAND --help` shows the arguments of a command.");
}
