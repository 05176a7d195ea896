//! `cargo xtask test`: every check of CI, the fastest ones first.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{add_checkers, cargo, execute, python, root, target};
use crate::{build, deny, languages, wording};

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

fn style() -> Result<()> {
    add_checkers()?;
    execute(&mut cargo(&["fmt", "--all", "--check"]))?;
    execute(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    wording::check()?;
    spelling()?;
    deny::deny()
}

/// Checks every text with `typos`, whose package on PyPI contains the program; `.typos.toml` has the exceptions.
fn spelling() -> Result<()> {
    let typos = python("typos", &["typos==1.52.0"])?.join("typos");
    execute(Command::new(typos).args(["--format", "brief"]).current_dir(root()))
}

fn lint() -> Result<()> {
    add_checkers()?;
    let clippy = ["clippy", "--profile", "quick", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    execute(&mut cargo(&clippy))
}

/// The handling of clippy's warnings during compilation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lints {
    Off,
    /// A warning fails the build.
    Denied,
}

impl Lints {
    /// Compiles the workspace's own crates with clippy in place of rustc: one compilation checks and builds, and
    /// dependencies are shared with ordinary builds. `cargo clippy` compiles all of them once more.
    fn apply(self, cargo: &mut Command) -> &mut Command {
        if self == Self::Denied {
            // Not `RUSTC_WORKSPACE_WRAPPER`: builds of plugins inside the tests would inherit it.
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
    // One profile for everything: a second profile compiles wasmtime a second time.
    let everything = ["--profile", "quick", "--workspace", "--locked"];
    execute(lints.apply(cargo(&["build", "--all-targets"]).args(everything)))?;
    build::plugins(build::QUICK)?;
    let guests = build::packages(&root().join("tests/guests"))?;
    build::components(build::QUICK, &guests)?;
    let languages = languages::languages()?;
    let mut test = cargo(&["test"]);
    execute(
        lints
            .apply(&mut test)
            .args(everything)
            .arg("--")
            .args(filters)
            .env("FRONTGATE_PROGRAM", target().join("quick/frontgate"))
            .env("FRONTGATE_CRASH_PROGRAM", target().join("quick/frontgate-crash-points"))
            .env("FRONTGATE_COMPONENTS", target().join("wasm32-wasip2/quick"))
            .env("FRONTGATE_LANGUAGES", languages),
    )
}

/// Builds the SDK's documentation; a broken link is an error.
fn documentation() -> Result<()> {
    let mut doc = cargo(&["doc", "--profile", "quick", "--no-deps", "--locked", "--package", "frontgate-sdk"]);
    execute(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
