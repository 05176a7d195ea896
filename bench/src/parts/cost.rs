//! System costs of a call in steady state: page faults, and system calls that change memory maps. Unlike times, these
//! counts have no noise.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::{CONNECTIONS, Plan};
use crate::cores::Side;
use crate::load::Load;
use crate::process::Process;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const FAULTS: &str = "page faults";
const CALLS: [&str; 4] = ["mprotect", "madvise", "mmap", "munmap"];

pub(crate) fn cost(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("cost", "system costs of a list callback");
    let gateway = Gateway::start(servers::setup())?;
    let process = &gateway.process;
    process.check(Question::List)?;
    let load = Load::full(Question::List, CONNECTIONS);
    load.run(process.address, plan.time)?;
    let mut series = Series::default();
    let mut untraced = None;
    for _ in 0..plan.rounds {
        let before = process.page_faults()?;
        let answers = load.run(process.address, plan.time)?;
        series.push("gateway", FAULTS, (process.page_faults()? - before) as f64 / answers.right as f64);
        match traced(process, plan) {
            Ok(counts) => counts.iter().for_each(|(name, count)| series.push("gateway", name, *count)),
            Err(error) => untraced = Some(error),
        }
    }
    part.figure(format!("{FAULTS} for each callback"), "", series.get("gateway", FAULTS), Some(Goal::AtMost(0.5)));
    for name in CALLS {
        // The goal permits rare calls, which are maintenance of the allocator.
        part.figure(format!("{name} for each callback"), "", series.get("gateway", name), Some(Goal::AtMost(0.01)));
    }
    if let Some(error) = untraced {
        part.skip("counting system calls", format!("{error:#}"));
    }
    Ok(())
}

/// Returns the system calls per request, counted by strace.
fn traced(process: &Process, plan: Plan) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let counts = servers::workspace().join("strace.txt");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-U", "calls,name", "-e", &format!("trace={}", CALLS.join(",")), "-o"]).arg(&counts);
    strace.args(["-p", &process.id().to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut strace = Side::Load.spawn(&mut strace).context("strace is not there")?;
    let answers = Load::full(Question::List, CONNECTIONS).run(process.address, plan.time);
    // strace writes its counts when interrupted.
    kill_process(Pid::from_child(&strace), Signal::INT)?;
    anyhow::ensure!(strace.wait()?.code().is_none_or(|code| code == 0), "strace may not trace the gateway");
    let (answers, counts) = (answers?, fs::read_to_string(counts)?);
    let count = |name: &str| {
        let line = counts.lines().find(|line| line.trim_end().ends_with(&format!(" {name}")));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
    };
    Ok(CALLS.map(|name| (name, count(name) / answers.right as f64)).to_vec())
}
