//! `cargo xtask build | run | test | tools | bench | deny | fuzz | freeze`: the only build tooling. Adds what a fresh
//! machine lacks, and needs nothing but rustup's cargo.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

mod bench;
mod build;
mod deny;
mod freeze;
mod fuzz;
mod languages;
mod run;
mod test;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask build   builds the gateway (target/release/frontgate) and the shipped plugins (plugins/*.wasm)
cargo xtask run     builds the example of config.toml, sooner and slower, and serves it beside a simulated Twilio and Front
cargo xtask test    everything that CI checks
cargo xtask tools   installs what plugins in other languages are compiled with (target/tools/bin); test does so, too
cargo xtask bench   measures the gateway against native code, Node and others; --help says what there is
cargo xtask deny    checks packages, licences, sources and known vulnerabilities (deny.toml); test does so, too
cargo xtask fuzz    [TARGET...] [--seconds N]: runs fuzz targets, 30 seconds each without --seconds
cargo xtask freeze  keeps the contract of this version in wit/released, once it is released";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let result = match command.as_deref() {
        Some("build") => build::build(),
        Some("run") => run::run(),
        Some("test") => test::test(),
        Some("tools") => languages::languages().map(|programs| println!("{}", programs.display())),
        Some("bench") => bench::bench(),
        Some("deny") => deny::deny(),
        Some("fuzz") => fuzz::fuzz(),
        Some("freeze") => freeze::freeze(),
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
