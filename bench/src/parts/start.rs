//! Time from the start of the process to the first signed response with status 200.

use std::time::Instant;

use frontgate_tests::Setup;

use super::Plan;
use super::memory::{many, tenant};
use crate::process::Process;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const START: &str = "start to the first signed 200";
const NATIVE: &str = "native";

/// Numbers of plugins, each with a goal for the ratio to native code.
const PLUGINS: [(usize, Option<Goal>); 3] = [(1, Some(Goal::AtMost(3.0))), (10, None), (100, Some(Goal::AtMost(15.0)))];

pub(crate) fn start(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("start", "from the start of the process to the first signed 200");
    let mut setups: Vec<Option<Setup>> = PLUGINS.iter().map(|(plugins, _)| Some(many(*plugins))).collect();
    // Start once to fill the caches of compiled plugins and of the system.
    for (setup, (plugins, _)) in setups.iter_mut().zip(PLUGINS) {
        let gateway = Gateway::start(setup.take().unwrap_or_default())?;
        (0..plugins).try_for_each(|_| gateway.process.wait_for_swap())?;
        *setup = Some(gateway.setup);
    }
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        let began = Instant::now();
        let native = servers::native()?;
        series.push(NATIVE, START, first_answer(&native, "", began)?);
        for (setup, (plugins, _)) in setups.iter_mut().zip(PLUGINS) {
            let began = Instant::now();
            let gateway = Gateway::start(setup.take().unwrap_or_default())?;
            series.push(name(plugins), START, first_answer(&gateway.process, &tenant(plugins - 1), began)?);
            *setup = Some(gateway.setup);
        }
    }
    part.figure(NATIVE, "ms", series.get(NATIVE, START), None);
    for (plugins, _) in PLUGINS {
        part.figure(name(plugins), "ms", series.get(&name(plugins), START), None);
    }
    for (plugins, goal) in PLUGINS {
        let ratio = series.ratio(START, &name(plugins), NATIVE);
        part.figure(format!("{} / {NATIVE}", name(plugins)), "", &ratio, goal);
    }
    Ok(())
}

fn name(plugins: usize) -> String {
    format!("gateway, {plugins} compiled plugins")
}

/// Returns the milliseconds until the first correct answer.
fn first_answer(process: &Process, tenant: &str, began: Instant) -> anyhow::Result<f64> {
    let prefix = if tenant.is_empty() { String::new() } else { format!("/{tenant}") };
    let right = process.ask(&prefix, Question::List)?;
    anyhow::ensure!(right, "the first answer is not the right one");
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
