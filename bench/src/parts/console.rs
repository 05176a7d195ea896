//! Callbacks with the console and its records, while no person looks, beside callbacks without both.

use frontgate_tests::Setup;

use super::{CONNECTIONS, Plan, WARM_UP};
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const WITH: &str = "with the console";
const WITHOUT: &str = "without";

const CPU: &str = "CPU for each request";

pub(crate) fn console(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("console", "a callback with the console, while no person looks, and without");
    let without = |setup: Setup| setup.set("console.listen", "\"off\"").set("recording.record", "\"off\"");
    let gateways = [(WITHOUT, Gateway::start(without(servers::setup()))?), (WITH, Gateway::start(servers::setup())?)];
    let questions = [(Question::List, "list"), (Question::Nothing, "empty answer")];
    for (_, gateway) in &gateways {
        for (question, _) in questions {
            gateway.process.check(question)?;
            Load::full(question, CONNECTIONS).run(gateway.process.address, WARM_UP)?;
        }
    }
    for (question, what) in questions {
        let mut series = Series::default();
        for _ in 0..plan.rounds {
            for (name, gateway) in &gateways {
                let before = gateway.process.cpu()?;
                let answers = Load::full(question, CONNECTIONS).run(gateway.process.address, plan.time)?;
                anyhow::ensure!(answers.wrong == 0, "{name}: {} wrong answers", answers.wrong);
                let cpu = gateway.process.cpu()? - before;
                series.push(*name, CPU, cpu.as_secs_f64() * 1e6 / answers.right as f64);
            }
        }
        for name in [WITHOUT, WITH] {
            part.figure(format!("{what}, {name}: {CPU}"), "us", series.get(name, CPU), None);
        }
        let ratio = series.ratio(CPU, WITH, WITHOUT);
        part.figure(format!("{what}, {CPU}: {WITH} / {WITHOUT}"), "", &ratio, Some(Goal::AtMost(1.02)));
    }
    Ok(())
}
