//! A signed callback over HTTP: the gateway with its plugin, native code, Express and `wasmtime serve`.

use super::{CONNECTIONS, Plan, WARM_UP};
use crate::load::Load;
use crate::process::Process;
use crate::report::{Goal, Part, Report, Series};
use crate::request::Question;
use crate::servers;

const REUSED: &str = "gateway, reused instances";
const FRESH: &str = "gateway, fresh instances";
/// The gateway at its default log level. The other servers write no line for a request.
const LOGGING: &str = "gateway, reused instances, logging";
/// A log level without lines for requests, but with the gateway's address.
const QUIET: &str = "\"warn,frontgate::service=info\"";
const NATIVE: &str = "native";
const EXPRESS: &str = "express";
const SERVE: &str = "wasmtime serve";

/// Measures a page of twenty customers.
pub(crate) fn list(report: &mut Report, plan: Plan, with_wasmtime_serve: bool) -> anyhow::Result<()> {
    let mut part = report.part("list", "a signed list callback, 20 customers with 2 channels each");
    let mut others: Vec<(&'static str, Process)> = Vec::new();
    match servers::express() {
        Ok(express) => others.push((EXPRESS, express)),
        Err(error) => part.skip("Express with Twilio's middleware", format!("{error:#}")),
    }
    if with_wasmtime_serve {
        others.push((SERVE, servers::wasmtime_serve()?));
    } else {
        part.skip("`wasmtime serve`", "building it takes minutes; --with-wasmtime-serve does");
    }
    let series = measure(plan, Question::List, others)?;
    show(&mut part, &series, Goal::AtMost(1.9), Goal::AtMost(2.5));
    part.figure(
        "requests a second: gateway, logging / express",
        "",
        &series.ratio(RATE, LOGGING, EXPRESS),
        Some(Goal::AtLeast(6.0)),
    );
    part.figure("CPU for each request: express / gateway, logging", "", &series.ratio(CPU, EXPRESS, LOGGING), None);
    part.figure(
        "requests a second: gateway, logging / wasmtime serve",
        "",
        &series.ratio(RATE, LOGGING, SERVE),
        Some(Goal::AtLeast(2.0)),
    );
    part.figure(
        "CPU for each request: wasmtime serve / gateway, logging",
        "",
        &series.ratio(CPU, SERVE, LOGGING),
        None,
    );
    Ok(())
}

/// Measures an empty answer.
pub(crate) fn nothing(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("nothing", "a signed callback with an empty answer");
    let series = measure(plan, Question::Nothing, Vec::new())?;
    show(&mut part, &series, Goal::AtMost(1.6), Goal::AtMost(2.6));
    Ok(())
}

const CPU: &str = "CPU for each request";
const RATE: &str = "requests a second";
/// Name, quantile and number of connections of each latency figure.
const LATENCIES: [(&str, f64, u32); 4] = [
    ("p50, 1 connection", 0.5, 1),
    ("p99, 1 connection", 0.99, 1),
    ("p50, 16 connections", 0.5, CONNECTIONS),
    ("p99, 16 connections", 0.99, CONNECTIONS),
];

fn measure(plan: Plan, question: Question, others: Vec<(&'static str, Process)>) -> anyhow::Result<Series> {
    let gateway = |instances, level| {
        let setup = servers::setup().set("plugins.named.plugin.instances", instances).set("log.level", level);
        servers::Gateway::start(setup)
    };
    let reused = gateway("\"reused\"", QUIET)?;
    let fresh = gateway("\"fresh\"", QUIET)?;
    let logging = gateway("\"reused\"", "\"info\"")?;
    let native = servers::native()?;
    let mut all =
        vec![(REUSED, &reused.process), (FRESH, &fresh.process), (LOGGING, &logging.process), (NATIVE, &native)];
    all.extend(others.iter().map(|(name, process)| (*name, process)));
    for (_, process) in &all {
        process.check(question)?;
        Load::full(question, CONNECTIONS).run(process.address, WARM_UP)?;
    }
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        for connections in [1, CONNECTIONS] {
            for (name, process) in &all {
                let before = process.cpu()?;
                let answers = Load::full(question, connections).run(process.address, plan.time)?;
                anyhow::ensure!(answers.wrong == 0, "{name} gave {} wrong answers", answers.wrong);
                if connections == CONNECTIONS {
                    let cpu = process.cpu()? - before;
                    series.push(*name, CPU, cpu.as_secs_f64() * 1e6 / answers.right as f64);
                    series.push(*name, RATE, answers.per_second());
                }
                for (measure, share, _) in LATENCIES.iter().filter(|(_, _, at)| *at == connections) {
                    series.push(*name, measure, answers.within_us(*share));
                }
            }
        }
    }
    Ok(series)
}

/// Adds the figures of every server, and the ratios between gateway and native code.
fn show(part: &mut Part<'_>, series: &Series, reused: Goal, fresh: Goal) {
    for name in [REUSED, FRESH, LOGGING, NATIVE, EXPRESS, SERVE] {
        part.figure(format!("{name}: {CPU}"), "us", series.get(name, CPU), None);
        part.figure(format!("{name}: {RATE}"), "", series.get(name, RATE), None);
        for (measure, ..) in LATENCIES {
            part.figure(format!("{name}: {measure}"), "us", series.get(name, measure), None);
        }
    }
    for (name, goal) in [(REUSED, Some(reused)), (FRESH, Some(fresh)), (LOGGING, None)] {
        part.figure(format!("{CPU}: {name} / native"), "", &series.ratio(CPU, name, NATIVE), goal);
        part.figure(format!("{RATE}: {name} / native"), "", &series.ratio(RATE, name, NATIVE), None);
        for (measure, ..) in LATENCIES {
            part.figure(format!("{measure}: {name} / native"), "", &series.ratio(measure, name, NATIVE), None);
        }
    }
}
