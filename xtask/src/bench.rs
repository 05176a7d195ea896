//! `cargo xtask bench`: builds the measured servers and the benchmark program, then starts it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::tools::{root, target};
use crate::{build, profile};

/// Programs of the benchmark: the load generator, and native code that gives the same answers.
const PROGRAMS: [&str; 2] = ["frontgate-bench", "frontgate-bench-native"];

/// Option for a profile-guided gateway.
pub(crate) const PROFILE_GUIDED: &str = "--profile-guided";

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let (guided, arguments): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| **argument == PROFILE_GUIDED);
    build::programs(build::RELEASE, &PROGRAMS)?;
    if guided.is_empty() { build::programs(build::RELEASE, &["frontgate"]) } else { profile::frontgate() }?;
    build::bench_guests()?;
    let program = target().join("release/frontgate-bench");
    let mut bench = Command::new(&program);
    bench
        .args(arguments)
        .current_dir(root())
        .env("FRONTGATE_PROGRAM", target().join("release/frontgate"))
        .env("FRONTGATE_COMPONENTS", build::component_folder(build::RELEASE));
    Err(bench.exec()).with_context(|| format!("failed to start {}", program.display()))
}
