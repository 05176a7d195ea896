//! One plugin call without HTTP, compared with the same function in native code.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use frontgate_contract::Role;
use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_twilio_callbacks::crm::{encode_customer, encode_page};
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use super::Plan;
use crate::cores::Side;
use crate::engine::Library;
use crate::load::{nanoseconds, times};
use crate::report::{Goal, Report, Series};
use crate::request::{PAGE_SIZE, Question};
use crate::servers;

const P50: &str = "p50";
const P99: &str = "p99";
const CPU: &str = "CPU";

const FRESH: &str = "in a fresh instance";
const REUSED: &str = "in a reused instance";

/// Measures an empty list, a list, and a single customer: in a fresh instance, a reused instance, and native code.
pub(crate) fn call(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("call", "one call through the gateway's engine, and its answer as JSON");
    let (series, not_reused) = Side::Server.run(|| measure(plan))?;
    for what in ["nothing", "list", "details"] {
        for how in [FRESH, REUSED, "native"] {
            let (name, goal) = (format!("{what}, {how}"), None);
            part.figure(format!("{name}: {P50}"), "us", series.get(&name, P50), goal);
            part.figure(format!("{name}: {P99}"), "us", series.get(&name, P99), None);
            part.figure(format!("{name}: {CPU}"), "us", series.get(&name, CPU), None);
        }
    }
    let fresh = series.get("nothing, in a fresh instance", P50);
    part.figure("nothing, in a fresh instance", "us", fresh, Some(Goal::AtMost(4.0)));
    let ratio = series.ratio(P50, "list, in a fresh instance", "list, native");
    part.figure("list: fresh / native", "", &ratio, Some(Goal::AtMost(2.0)));
    for what in ["nothing", "list", "details"] {
        let ratio = series.ratio(P50, &format!("{what}, {REUSED}"), &format!("{what}, {FRESH}"));
        part.figure(format!("{what}: reused / fresh"), "", &ratio, None);
    }
    if let Some(why) = not_reused {
        part.skip("reused instances", why);
    }
    Ok(())
}

fn measure(plan: Plan) -> anyhow::Result<(Series, Option<String>)> {
    let runtime = runtime()?;
    let (fresh, _folder) =
        runtime.block_on(Library::load(servers::setup().set("plugins.named.plugin.instances", "\"fresh\"")))?;
    let reused = servers::setup().set("plugins.named.plugin.instances", "\"reused\"");
    let reused = runtime.block_on(Library::load(reused));
    let mut all = vec![(FRESH, &fresh)];
    all.extend(reused.iter().map(|(library, _)| (REUSED, library)));
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        for (how, library) in &all {
            for question in [Question::Nothing, Question::List] {
                let what = if question == Question::List { "list" } else { "nothing" };
                let took = runtime.block_on(repeat(plan, || list(library, "demo", question)))?;
                push(&mut series, &format!("{what}, {how}"), &took);
            }
            let took = runtime.block_on(repeat(plan, || details(library)))?;
            push(&mut series, &format!("details, {how}"), &took);
        }
        let native =
            async || Ok(black_box(frontgate_bench_answer::list(black_box(Question::List.worker()), PAGE_SIZE)));
        push(&mut series, "list, native", &runtime.block_on(repeat(plan, native))?);
    }
    Ok((series, reused.err().map(|error| error.to_string())))
}

/// Creates a runtime like that of one of the server's threads.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Latencies of many calls, in nanoseconds, and their average CPU time.
pub(super) struct Took {
    times: Histogram<u64>,
    cpu: Duration,
}

/// Repeats an operation for the planned time, and measures each call.
pub(super) async fn repeat<T, F>(plan: Plan, mut work: impl FnMut() -> F) -> anyhow::Result<Took>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let mut took = times()?;
    let (started, cpu) = (Instant::now(), thread_time()?);
    while started.elapsed() < plan.time {
        let began = Instant::now();
        black_box(work().await?);
        took.saturating_record(nanoseconds(began));
    }
    Ok(Took { cpu: (thread_time()? - cpu).div_f64(took.len() as f64), times: took })
}

/// Returns the CPU time of this thread.
fn thread_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}

pub(super) fn push(series: &mut Series, name: &str, took: &Took) {
    series.push(name, P50, took.times.value_at_quantile(0.5) as f64 / 1e3);
    series.push(name, P99, took.times.value_at_quantile(0.99) as f64 / 1e3);
    series.push(name, CPU, took.cpu.as_secs_f64() * 1e6);
}

/// Calls one list function, from the request to the JSON. Returns the JSON.
pub(super) async fn list(library: &Library, tenant: &str, question: Question) -> anyhow::Result<Vec<u8>> {
    let (asking, plugin) = library.asking(tenant)?;
    let page_size = u32::try_from(PAGE_SIZE)?;
    let request =
        ListRequest { worker: question.worker().to_owned(), page_size, position: Position::First, query: None };
    let page = asking.call(&plugin, Role::Crm).list_customers(request).await;
    let page = page.map_err(|error| anyhow!("{error}: {}", error.detail().unwrap_or_default()))?;
    Ok(encode_page(&page, page_size).map_err(|error| anyhow!("{error}"))?.body)
}

async fn details(library: &Library) -> anyhow::Result<Vec<u8>> {
    let (asking, plugin) = library.asking("demo")?;
    let call = asking.call(&plugin, Role::Crm).get_customer(Question::List.worker().to_owned(), "7".to_owned());
    let customer = call.await.map_err(|error| anyhow!("{error}"))?;
    Ok(encode_customer(&customer).map_err(|error| anyhow!("{error}"))?.body)
}
