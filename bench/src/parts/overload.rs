//! Overload: measures throughput with more connections than a server can answer at once.

use super::{CONNECTIONS, Plan};
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const GATEWAY: &str = "gateway";
const NATIVE: &str = "native";

const GOODPUT: &str = "answers a second";
const P99: &str = "p99";
const REFUSED: &str = "refused or broken";

/// Factors for the usual number of connections.
const TIMES: [u32; 3] = [1, 10, 100];

pub(crate) fn overload(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("overload", "a list callback on 16, 160 and 1600 connections");
    let gateway = Gateway::start(servers::setup())?;
    let native = servers::native()?;
    let all = [(GATEWAY, &gateway.process), (NATIVE, &native)];
    for (_, process) in all {
        process.check(Question::List)?;
        Load::full(Question::List, CONNECTIONS).run(process.address, plan.time)?;
    }
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        for times in TIMES {
            for (server, process) in all {
                let answers = Load::full(Question::List, CONNECTIONS * times).run(process.address, plan.time)?;
                series.push(name(server, times), GOODPUT, answers.per_second());
                series.push(name(server, times), P99, answers.within_us(0.99) / 1e3);
                series.push(name(server, times), REFUSED, answers.wrong as f64);
            }
        }
    }
    for (server, goal) in [(GATEWAY, Some(Goal::AtLeast(0.9))), (NATIVE, None)] {
        for times in TIMES {
            let name = name(server, times);
            part.figure(format!("{name}: {GOODPUT}"), "", series.get(&name, GOODPUT), None);
            part.figure(format!("{name}: {P99}"), "ms", series.get(&name, P99), None);
            part.figure(format!("{name}: {REFUSED}"), "", series.get(&name, REFUSED), Some(Goal::AtMost(0.0)));
        }
        for times in &TIMES[1..] {
            let ratio = series.ratio(GOODPUT, &name(server, *times), &name(server, 1));
            part.figure(format!("{server}: {GOODPUT}: {times} times / 1 time"), "", &ratio, goal);
        }
    }
    Ok(())
}

fn name(server: &str, times: u32) -> String {
    format!("{server}, {} connections", CONNECTIONS * times)
}
