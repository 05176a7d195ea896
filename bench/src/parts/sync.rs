//! Reading many customers for the first time, and callbacks of another tenant beside it, on both engines.

use std::time::Instant;

use anyhow::ensure;
use frontgate_tests::{Database, Setup};

use super::Plan;
use super::shipped::{ANA, READY, customers, recorded, setup, wait_until_ready};
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::Gateway;

/// Customers of the tenant whose callbacks are measured.
const FEW: usize = 320;
/// Customers that are read beside them.
const MANY: usize = 100_000;
const MILLION: usize = 1_000_000;

/// Callbacks per second, far below what the gateway answers.
const PACE: u32 = 500;
const CONNECTIONS: u32 = 16;

const READ: &str = "read a second";
const P99: &str = "p99";

pub(crate) fn sync(report: &mut Report, plan: Plan, with_million: bool) -> anyhow::Result<()> {
    let size = if with_million { MILLION } else { MANY };
    let mut part = report.part("sync", "the first reading of many customers, and callbacks beside it");
    let postgres = std::sync::Arc::new(Database::create());
    let mut series = Series::default();
    for engine in ["SQLite", "Postgres"] {
        let setup = with_second_tenant(size);
        let setup = if engine == "Postgres" { setup.on_postgres(&postgres) } else { setup };
        let (idle, busy) = (format!("{engine}, idle"), format!("{engine}, beside the reading"));
        let began = Instant::now();
        let gateway = Gateway::start(setup)?;
        let list = wait_until_ready(&gateway.process)?;
        let form = [("Location", "GetCustomersList"), ("PageSize", "20"), ("Worker", ANA)];
        while recorded(&gateway.process, "/many/callbacks/crm", &form).is_err() {
            ensure!(began.elapsed() < READY, "the customers are not read");
            series.push(&*busy, P99, p99(&gateway, list, plan)?);
        }
        series.push(engine, READ, size as f64 / began.elapsed().as_secs_f64());
        for _ in 0..plan.rounds {
            series.push(&*idle, P99, p99(&gateway, list, plan)?);
        }
        let goal = Some(Goal::AtLeast(10_000.0));
        part.figure(format!("{engine}: {size} customers, {READ}"), "", series.get(engine, READ), goal);
        for name in [&idle, &busy] {
            part.figure(format!("{name}: {P99} of a list"), "us", series.get(name, P99), None);
        }
        let ratio = series.ratio(P99, &busy, &idle);
        part.figure(format!("{engine}: {P99} beside the reading / idle"), "", &ratio, Some(Goal::AtMost(1.5)));
    }
    Ok(())
}

/// Creates a setup with a second tenant, whose customers are many.
fn with_second_tenant(size: usize) -> Setup {
    setup(FEW)
        .plugin("many", &frontgate_tests::component("directory"))
        .file("many.csv", &customers(size))
        .set("plugins.named.many.files", "\"files\"")
        .set("plugins.named.many.config.customers", "\"many.csv\"")
        .set("plugins.named.many.config.columns", "{ owner = \"Owner\", company = \"Company\" }")
        .set("tenants.many.path", "\"/many\"")
        .set("tenants.many.twilio.auth_tokens", "[{ file = \"token\" }]")
        .set("tenants.many.customers.index", "true")
        .set("tenants.many.customers.interval_ms", "3600000")
        .set("tenants.many.roles.crm-source", "[\"many\"]")
}

fn p99(gateway: &Gateway, list: Question, plan: Plan) -> anyhow::Result<f64> {
    let load = Load { question: list, connections: CONNECTIONS, pace: Some(PACE) };
    let answers = load.run(gateway.process.address, plan.time)?;
    ensure!(answers.wrong == 0, "{} wrong answers", answers.wrong);
    Ok(answers.within_us(0.99))
}
