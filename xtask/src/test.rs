//! `cargo xtask test`: runs all checks of CI, the fastest first.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{add_checkers, cargo, execute, python, root, target};
use crate::{build, chromium, deny, languages, postgres, wording};

pub(crate) fn test(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            style()?;
            suite(&[], Lints::Denied)?;
            documentation()
        }
        ["style"] => style(),
        ["lint"] => lint(),
        ["suite", filters @ ..] => suite(filters, Lints::Off),
        _ => bail!("unknown part `{}`; parts: style, lint, suite [FILTER...]", words.join(" ")),
    }
}

/// Takes the pictures of README.md: a test that writes them if a variable names the folder.
pub(crate) fn screenshots() -> Result<()> {
    let mut test = Command::new(std::env::current_exe()?);
    test.args(["test", "suite", "pictures_of_the_console"]).env("FRONTGATE_SCREENSHOTS", root().join("docs/images"));
    execute(&mut test)
}

fn style() -> Result<()> {
    add_checkers()?;
    execute(&mut cargo(&["fmt", "--all", "--check"]))?;
    execute(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    wording::check()?;
    spelling()?;
    deny::deny()
}

/// Checks the spelling of every text with `typos`, installed from PyPI. Exceptions are in `.typos.toml`.
fn spelling() -> Result<()> {
    let typos = python("typos", &["typos==1.52.0"])?.join("typos");
    execute(Command::new(typos).args(["--format", "brief"]).current_dir(root()))
}

fn lint() -> Result<()> {
    add_checkers()?;
    let clippy = ["clippy", "--profile", "quick", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    execute(&mut cargo(&clippy))
}

/// Whether compilation runs clippy, and how warnings are treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lints {
    Off,
    /// Clippy runs, and a warning fails the build.
    Denied,
}

impl Lints {
    /// Compiles the workspace's own crates with clippy instead of rustc. One compilation checks and builds, and shares
    /// dependencies with ordinary builds. `cargo clippy` would compile everything again.
    fn apply(self, cargo: &mut Command) -> &mut Command {
        if self == Self::Denied {
            // `RUSTC_WORKSPACE_WRAPPER` would be inherited by plugin builds inside the tests.
            cargo
                .args(["--config", "build.rustc-workspace-wrapper=\"clippy-driver\""])
                .env("CLIPPY_ARGS", "-Dwarnings");
        }
        cargo
    }
}

/// Builds everything that the tests start, then runs the tests whose names contain one of `filters`.
fn suite(filters: &[&str], lints: Lints) -> Result<()> {
    add_checkers()?;
    // Use one profile for everything, because a second one would compile wasmtime again.
    let everything = ["--profile", "quick", "--workspace", "--locked"];
    execute(lints.apply(cargo(&["build", "--all-targets"]).args(everything)))?;
    build::plugins(build::QUICK)?;
    let guests = build::packages(&root().join("tests/guests"))?;
    build::components(build::QUICK, &guests)?;
    let languages = languages::languages()?;
    postgres::install()?;
    chromium::install()?;
    let test = |packages: &[&str], filters: &[&str]| {
        let mut test = cargo(&["test"]);
        lints.apply(&mut test).args(&everything[..2]).arg("--locked").args(packages).arg("--").args(filters);
        test.env("FRONTGATE_PROGRAM", target().join("quick/frontgate"))
            .env("FRONTGATE_CRASH_PROGRAM", target().join("quick/frontgate-crash-points"))
            .env("FRONTGATE_COMPONENTS", target().join("wasm32-wasip2/quick"))
            .env("FRONTGATE_LANGUAGES", &languages);
        test
    };
    execute(&mut test(&["--workspace"], filters))?;
    if filters.is_empty() {
        let again = test(&["--package", "frontgate-tests", "--test", "suite"], &postgres::AGAIN);
        execute({ again }.env("FRONTGATE_STORE", "postgres"))?;
    }
    Ok(())
}

/// Builds the SDK's documentation. A broken link is an error.
fn documentation() -> Result<()> {
    let mut doc = cargo(&["doc", "--profile", "quick", "--no-deps", "--locked", "--package", "frontgate-sdk"]);
    execute(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
