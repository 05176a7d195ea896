//! More connections than a server can answer at once: does it still answer as many requests?

use super::{CONNECTIONS, Plan};
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const GOODPUT: &str = "answers a second";
const P99: &str = "p99";
const REFUSED: &str = "refused or broken";

/// How many times the connections.
const TIMES: [u32; 3] = [1, 10, 100];

pub(crate) fn overload(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("overload", "a list callback on 16, 160 and 1600 connections");
    let gateway = Gateway::start(servers::setup())?;
    gateway.process.check(Question::List)?;
    Load::full(Question::List, CONNECTIONS).run(gateway.process.address, plan.time)?;
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        for times in TIMES {
            let load = Load::full(Question::List, CONNECTIONS * times);
            let answers = load.run(gateway.process.address, plan.time)?;
            series.push(name(times), GOODPUT, answers.per_second());
            series.push(name(times), P99, answers.within_us(0.99) / 1e3);
            series.push(name(times), REFUSED, answers.wrong as f64);
        }
    }
    for times in TIMES {
        let name = name(times);
        part.figure(format!("{name}: {GOODPUT}"), "", series.get(&name, GOODPUT), None);
        part.figure(format!("{name}: {P99}"), "ms", series.get(&name, P99), None);
        part.figure(format!("{name}: {REFUSED}"), "", series.get(&name, REFUSED), Some(Goal::AtMost(0.0)));
    }
    for times in &TIMES[1..] {
        let ratio = series.ratio(GOODPUT, &name(*times), &name(1));
        part.figure(format!("{GOODPUT}: {times} times / 1 time"), "", &ratio, Some(Goal::AtLeast(0.9)));
    }
    Ok(())
}

fn name(times: u32) -> String {
    format!("{} connections", CONNECTIONS * times)
}
