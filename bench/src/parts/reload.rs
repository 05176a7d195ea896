//! Replaces a plugin while callbacks are answered. Measures failures, loss of throughput, and latency during
//! compilation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use frontgate_tests::{another_build, component};

use super::{CONNECTIONS, Plan};
use crate::load::{Answers, Load};
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const RATE: &str = "requests a second";
const P99: &str = "p99";
const SWAPS: &str = "swaps a second";

const IDLE: &str = "idle";
const SWAPPING: &str = "swapping";
const COMPILING: &str = "compiling";

/// Rate in requests per second for latencies: a small part of the server's capacity, because compilation uses the rest.
const PACE: u32 = 1_000;

pub(crate) fn reload(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("reload", "a list callback while the plugin is replaced");
    let gateway = Gateway::start(servers::setup().set("plugins.cache", "\"compiled\""))?;
    gateway.process.wait_for_swap()?;
    gateway.process.check(Question::List)?;
    let original = component("bench-customers");
    // Cache both builds, so that swaps need no compilation.
    let builds = [another_build(&original, 0), another_build(&original, 1)];
    for build in &builds {
        gateway.drop_plugin(build)?;
        gateway.process.wait_for_swap()?;
    }
    let mut known = builds.iter().cycle().cloned();
    let mut unknown = (0..u32::MAX).map(|note| unique_build(&original, note));
    let full = Load::full(Question::List, CONNECTIONS);
    let paced = Load { pace: Some(PACE), ..full };
    full.run(gateway.process.address, plan.time)?;
    let mut series = Series::default();
    let mut failed = 0;
    for _ in 0..plan.rounds {
        let idle = full.run(gateway.process.address, plan.time)?;
        let (swapping, swaps) = replacing(&gateway, plan, full, &mut known)?;
        series.push(IDLE, RATE, idle.per_second());
        series.push(SWAPPING, RATE, swapping.per_second());
        series.push(SWAPPING, SWAPS, swaps);
        let unhurried = paced.run(gateway.process.address, plan.time)?;
        let (compiling, swaps) = replacing(&gateway, plan, paced, &mut unknown)?;
        series.push(IDLE, P99, unhurried.within_us(0.99));
        series.push(COMPILING, P99, compiling.within_us(0.99));
        series.push(COMPILING, SWAPS, swaps);
        failed += [idle, swapping, unhurried, compiling].iter().map(|answers| answers.wrong).sum::<u64>();
    }
    part.figure("failed requests over all swaps", "", &[failed as f64], Some(Goal::AtMost(0.0)));
    part.figure(SWAPS, "", series.get(SWAPPING, SWAPS), None);
    part.figure(format!("{RATE}, idle"), "", series.get(IDLE, RATE), None);
    part.figure(format!("{RATE}: swapping / idle"), "", &series.ratio(RATE, SWAPPING, IDLE), None);
    part.figure("swaps a second of files that are compiled", "", series.get(COMPILING, SWAPS), None);
    part.figure(format!("{P99} at {PACE} a second, idle"), "us", series.get(IDLE, P99), None);
    part.figure(format!("{P99} at {PACE} a second, compiling"), "us", series.get(COMPILING, P99), None);
    let ratio = series.ratio(P99, COMPILING, IDLE);
    part.figure(format!("{P99}: compiling / idle"), "", &ratio, Some(Goal::AtMost(1.5)));
    Ok(())
}

/// Sends requests while the plugin is replaced as often as possible. Returns the answers and the swaps per second.
fn replacing(
    gateway: &Gateway,
    plan: Plan,
    load: Load,
    builds: &mut impl Iterator<Item = Vec<u8>>,
) -> anyhow::Result<(Answers, f64)> {
    let (address, going) = (gateway.process.address, AtomicBool::new(true));
    thread::scope(|scope| {
        let answers = scope.spawn(|| load.run_while(address, &going));
        let started = Instant::now();
        let mut swaps = 0.0;
        let replaced = loop {
            if started.elapsed() >= plan.time {
                break Ok(());
            }
            let next = builds.next().unwrap_or_default();
            if let Err(error) = gateway.drop_plugin(&next).and_then(|()| gateway.process.wait_for_swap()) {
                break Err(error);
            }
            swaps += 1.0;
        };
        let rate = swaps / started.elapsed().as_secs_f64();
        going.store(false, Ordering::Relaxed);
        let answers = answers.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        replaced.and(answers).map(|answers| (answers, rate))
    })
}

/// Returns the same plugin with different bytes, which are in no cache, by appending a custom section.
fn unique_build(component: &[u8], note: u32) -> Vec<u8> {
    [component, &[0, 6, 1, b'u'], &note.to_le_bytes()].concat()
}
