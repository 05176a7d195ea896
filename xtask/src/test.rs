//! `cargo xtask test`: everything that CI checks, in the order in which it fails fastest.

use anyhow::Result;

use crate::tools::{add_checkers, cargo, execute, root, target};
use crate::{build, deny, languages};

pub(crate) fn test() -> Result<()> {
    add_checkers()?;
    execute(&mut cargo(&["fmt", "--all", "--check"]))?;
    execute(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    deny::deny()?;
    build::build_quickly()?;
    let guests = build::packages(&root().join("tests/guests"))?;
    build::components(&guests)?;
    build::crash_points()?;
    let languages = languages::languages()?;
    // One profile for everything: a second one would compile wasmtime a second time.
    execute(&mut cargo(&[
        "clippy",
        "--profile",
        "quick",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    execute(
        cargo(&["test", "--profile", "quick", "--workspace", "--locked"])
            .env("FRONTGATE_PROGRAM", target().join("quick/frontgate"))
            .env("FRONTGATE_CRASH_PROGRAM", target().join("quick/frontgate-crash-points"))
            .env("FRONTGATE_COMPONENTS", target().join("wasm32-wasip2/plugin"))
            .env("FRONTGATE_LANGUAGES", languages),
    )?;
    let mut doc = cargo(&["doc", "--profile", "quick", "--no-deps", "--locked", "--package", "frontgate-sdk"]);
    execute(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
