//! `cargo xtask fuzz [TARGET...] [--seconds N]`: runs fuzz targets for a bounded time each.
//!
//! Works with a stable toolchain, without a sanitizer, because the gateway has very little `unsafe` code. Panics,
//! failed assertions, hangs and excessive memory are still detected. `cargo fuzz run TARGET --sanitizer address` adds a
//! sanitizer.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools::{cargo, execute, installed, root, target};

/// Default of `--seconds`.
const SECONDS: u32 = 30;
/// Limits of libFuzzer per input: seconds, MiB of memory, bytes of input.
const LIMITS: [&str; 3] = ["-timeout=5", "-rss_limit_mb=1024", "-max_len=16384"];

pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let known = targets()?;
    let (mut chosen, mut seconds) = (Vec::new(), SECONDS);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                let number = arguments.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                seconds = number.context("--seconds needs a whole number above 0")?;
            }
            name if known.contains(name) => chosen.push(argument.clone()),
            name => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                bail!("unknown target `{name}`; targets: {}", known.join(", "));
            }
        }
    }
    if chosen.is_empty() {
        chosen.extend(known);
    }
    let program = installed("cargo-fuzz", "0.13.2", &[])?;
    lock()?;
    let cargo_fuzz = |command: &str| {
        let mut fuzz = Command::new(&program);
        fuzz.args(["fuzz", command, "--fuzz-dir", "fuzz", "--sanitizer", "none", "--target-dir"]);
        // Instrumented builds share no artifacts with ordinary builds.
        fuzz.arg(target().join("fuzz")).current_dir(root());
        fuzz
    };
    execute(&mut cargo_fuzz("build"))?;
    let mut failed = Vec::new();
    for name in chosen {
        let corpus = format!("fuzz/corpus/{name}");
        fs::create_dir_all(root().join(&corpus)).context("failed to create the corpus folder")?;
        let mut run = cargo_fuzz("run");
        // libFuzzer writes new inputs into the first folder and only reads those in the seeds' folder.
        run.args([&name, &corpus, &format!("fuzz/seeds/{name}"), "--", &format!("-max_total_time={seconds}")]);
        run.args(LIMITS).arg("-print_final_stats=1");
        let dictionary = format!("fuzz/dictionaries/{name}.dict");
        if root().join(&dictionary).is_file() {
            run.arg(format!("-dict={dictionary}"));
        }
        if let Err(error) = execute(&mut run) {
            println!("{error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}; inputs are in fuzz/artifacts", failed.join(", "));
    }
    Ok(())
}

/// Returns the names of all targets, which are those of the entry points.
fn targets() -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(root().join("fuzz/fuzz_targets")).context("failed to read the fuzz targets")?;
    let stem = |entry: fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    Ok(entries.flatten().filter_map(stem).collect())
}

/// Updates the fuzz targets' `Cargo.lock` from the gateway's, so that fuzzing uses the shipped versions.
pub(crate) fn lock() -> Result<()> {
    let own = root().join("fuzz/Cargo.lock");
    let before = fs::read(&own).unwrap_or_default();
    fs::copy(root().join("Cargo.lock"), &own).context("failed to copy Cargo.lock")?;
    // cargo removes unused packages and adds libFuzzer.
    let resolved = cargo(&["metadata", "--format-version", "1", "--manifest-path", "fuzz/Cargo.toml"]).output()?;
    if !resolved.status.success() {
        fs::write(&own, before)?;
        bail!("failed to resolve the fuzz targets' packages: {}", String::from_utf8_lossy(&resolved.stderr).trim());
    }
    if fs::read(&own)? != before {
        println!("fuzz/Cargo.lock updated from Cargo.lock; commit it");
    }
    Ok(())
}
