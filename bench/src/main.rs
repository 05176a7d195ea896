//! `cargo xtask bench`: measures in turn the gateway and other servers that give the same answers, and prints ratios
//! of their results. A missed goal is reported, but does not fail the run.
#![expect(clippy::print_stdout, reason = "printing is what a command does")]

mod connection;
mod cores;
mod engine;
mod load;
mod parts;
mod process;
mod report;
mod request;
mod servers;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Parser, ValueEnum};
use serde_json::json;

use crate::parts::{
    Plan, beside, call, callback, console, cost, languages, memory, overload, reload, shipped, start, store, sync,
    tenants,
};
use crate::report::Report;

// Use the same allocator as the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the gateway.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    /// Parts to measure; by default, all.
    names: Vec<Name>,
    /// Number of rounds; each measures everything once.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds per measurement of one server.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// File for all figures.
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Also measures `wasmtime serve`, which takes minutes to build the first time.
    #[arg(long)]
    with_wasmtime_serve: bool,
    /// Also measures a million customers, which takes minutes to read at first.
    #[arg(long)]
    with_million: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A signed list callback.
    List,
    /// A signed callback with an empty answer.
    Nothing,
    /// One call without HTTP.
    Call,
    /// Plugins in other languages.
    Languages,
    /// Every callback of the shipped plugins, with an index of customers.
    Shipped,
    /// Callbacks while plugins are replaced and compiled.
    Reload,
    /// Callbacks while another plugin misbehaves.
    Beside,
    /// The time from start to the first answer.
    Start,
    /// Memory with many plugins, and with many connections.
    Memory,
    /// Many more connections than a server can answer at once.
    Overload,
    /// Page faults and system calls.
    Cost,
    /// A callback with and without the console.
    Console,
    /// Events accepted and deliveries leased per second, on SQLite and Postgres.
    Store,
    /// The first reading of many customers, and callbacks beside it.
    Sync,
    /// One tenant and a thousand.
    Tenants,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = Plan { rounds: arguments.rounds.max(1), time: Duration::from_secs_f64(arguments.seconds) };
    std::fs::create_dir_all(servers::workspace())?;
    let names = if arguments.names.is_empty() { Name::value_variants() } else { &arguments.names };
    let mut report = Report::default();
    for name in names {
        match name {
            Name::List => callback::list(&mut report, plan, arguments.with_wasmtime_serve),
            Name::Nothing => callback::nothing(&mut report, plan),
            Name::Call => call::call(&mut report, plan),
            Name::Languages => languages::languages(&mut report, plan),
            Name::Shipped => shipped::shipped(&mut report, plan, arguments.with_million),
            Name::Reload => reload::reload(&mut report, plan),
            Name::Beside => beside::beside(&mut report, plan),
            Name::Start => start::start(&mut report, plan),
            Name::Memory => memory::memory(&mut report),
            Name::Overload => overload::overload(&mut report, plan),
            Name::Cost => cost::cost(&mut report, plan),
            Name::Console => console::console(&mut report, plan),
            Name::Store => store::store(&mut report, plan),
            Name::Sync => sync::sync(&mut report, plan, arguments.with_million),
            Name::Tenants => tenants::tenants(&mut report, plan),
        }?;
    }
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let processors = std::thread::available_parallelism()?.get();
    let run = json!({
        "unix_time": time, "processors": processors, "rounds": plan.rounds, "seconds": plan.time.as_secs_f64(),
        "apart": processors >= 2,
    });
    report.write(&arguments.out, &run)?;
    println!("\nMedian of {} rounds (minimum to maximum). All figures: {}", plan.rounds, arguments.out.display());
    Ok(())
}
