//! `cargo xtask bench`: builds the measured servers and the benchmark program, then starts it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build;
use crate::tools::{root, target};

/// Programs of the benchmark: the gateway, the load generator, and native code that gives the same answers.
const PROGRAMS: [&str; 3] = ["frontgate", "frontgate-bench", "frontgate-bench-native"];

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    build::programs(build::RELEASE, &PROGRAMS)?;
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
