//! One tenant and a thousand: cost of a callback, memory, start.

use std::time::Instant;

use frontgate_tests::Setup;

use super::{CONNECTIONS, Plan};
use crate::load::Load;
use crate::process::Process;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

/// Numbers of tenants.
const FEW: usize = 1;
const MANY: usize = 1_000;

const CPU: &str = "CPU for each request";
const RESIDENT: &str = "resident";
const START: &str = "start to the first signed 200";

pub(crate) fn tenants(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("tenants", "one tenant and a thousand");
    let mut series = Series::default();
    let mut setups = [FEW, MANY].map(|count| (count, Some(setup(count))));
    // Start once to fill the caches of compiled plugins and of the system.
    for (_, setup) in &mut setups {
        let gateway = Gateway::start(setup.take().unwrap_or_default())?;
        gateway.process.wait_for_swap()?;
        *setup = Some(gateway.setup);
    }
    for _ in 0..plan.rounds {
        for (count, setup) in &mut setups {
            let name = name(*count);
            let began = Instant::now();
            let gateway = Gateway::start(setup.take().unwrap_or_default())?;
            gateway.process.check(Question::List)?;
            series.push(&*name, START, began.elapsed().as_secs_f64() * 1e3);
            series.push(&*name, CPU, cpu(&gateway.process, plan)?);
            series.push(&*name, RESIDENT, gateway.process.resident_kib()? / 1024.0);
            *setup = Some(gateway.setup);
        }
    }
    let (few, many) = (name(FEW), name(MANY));
    for name in [&few, &many] {
        let is_many = *name == many;
        part.figure(format!("{name}: {CPU}"), "us", series.get(name, CPU), None);
        let goal = is_many.then_some(Goal::AtMost(60.0));
        part.figure(format!("{name}: {RESIDENT}"), "MiB", series.get(name, RESIDENT), goal);
        part.figure(format!("{name}: {START}"), "ms", series.get(name, START), is_many.then_some(Goal::AtMost(500.0)));
    }
    part.figure(format!("{CPU}: {many} / {few}"), "", &series.ratio(CPU, &many, &few), Some(Goal::AtMost(1.05)));
    Ok(())
}

fn name(count: usize) -> String {
    if count == FEW { "1 tenant".to_owned() } else { format!("{count} tenants") }
}

/// Creates a setup with this number of tenants, which share one plugin.
fn setup(count: usize) -> Setup {
    (FEW..count).fold(servers::setup(), |setup, number| {
        setup
            .set(&format!("tenants.t{number}.path"), format!("\"/t{number}\""))
            .set(&format!("tenants.t{number}.twilio.auth_tokens"), "[{ file = \"token\" }]")
            .set(&format!("tenants.t{number}.roles.crm"), "[\"plugin\"]")
    })
}

/// Returns the processor time of each request under load.
fn cpu(process: &Process, plan: Plan) -> anyhow::Result<f64> {
    let before = process.cpu()?;
    let answers = Load::full(Question::List, CONNECTIONS).run(process.address, plan.time)?;
    anyhow::ensure!(answers.wrong == 0, "{} wrong answers", answers.wrong);
    Ok((process.cpu()? - before).as_secs_f64() * 1e6 / answers.right as f64)
}
