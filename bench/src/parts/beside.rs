//! Latency of callbacks while another tenant's plugin misbehaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::{callback, component, list};

use super::Plan;
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const P99: &str = "p99";
const ALONE: &str = "alone";

/// Rate in requests per second for latencies; low enough to avoid queueing.
const PACE: u32 = 500;

/// Number of callers that make the other plugin misbehave.
const CALLERS: usize = 2;

/// Pause of each caller after a call. Without it, quick failures would be an additional load.
const REST: Duration = Duration::from_millis(20);

const INSTRUCTIONS: [&str; 9] = [
    "loop",
    "host-calls",
    "print-for-ever",
    "sleep 20000",
    "recurse",
    "allocate",
    "huge-answer 30000000",
    "huge-question 30000000",
    "panic",
];

pub(crate) fn beside(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("beside", "a list callback while another tenant's plugin misbehaves");
    let setup = servers::setup()
        .plugin("misbehaving", &component("misbehaving"))
        // An open circuit breaker would prevent the plugin from misbehaving.
        .set("plugins.breaker.failures", "1000000")
        .set("tenants.other.path", "\"/other\"")
        .set("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]")
        .set("tenants.other.roles.crm", "[\"misbehaving\"]");
    let gateway = Gateway::start(setup)?;
    gateway.process.check(Question::List)?;
    let load = Load { pace: Some(PACE), ..Load::full(Question::List, 4) };
    let address = gateway.process.address;
    load.run(address, plan.time)?;
    let mut series = Series::default();
    let mut failed = 0;
    for _ in 0..plan.rounds {
        let alone = load.run(address, plan.time)?;
        series.push(ALONE, P99, alone.within_us(0.99));
        for instruction in INSTRUCTIONS {
            let going = AtomicBool::new(true);
            let answers = thread::scope(|scope| {
                for _ in 0..CALLERS {
                    scope.spawn(|| {
                        while going.load(Ordering::Relaxed) {
                            callback(address, "/other/callbacks/crm", &list(&[("Query", instruction)]), &[]);
                            thread::sleep(REST);
                        }
                    });
                }
                let answers = load.run(address, plan.time);
                going.store(false, Ordering::Relaxed);
                answers
            })?;
            failed += answers.wrong;
            series.push(instruction, P99, answers.within_us(0.99));
        }
    }
    part.figure("failed requests", "", &[failed as f64], Some(Goal::AtMost(0.0)));
    part.figure(format!("{P99} at {PACE} a second, alone"), "us", series.get(ALONE, P99), None);
    for instruction in INSTRUCTIONS {
        let ratio = series.ratio(P99, instruction, ALONE);
        part.figure(format!("{P99}: beside `{instruction}` / alone"), "", &ratio, Some(Goal::AtMost(2.0)));
    }
    Ok(())
}
