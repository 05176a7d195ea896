//! The shipped plugins with an index of customers: each callback, with few, many and a million customers.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use frontgate_tests::{Setup, component};

use super::{CONNECTIONS, Plan, WARM_UP};
use crate::load::Load;
use crate::process::Process;
use crate::report::{Goal, Part, Report, Series};
use crate::request::{Exchange, Question, request};
use crate::servers;

/// Numbers of customers. The last one can be left out, since its first enumeration takes minutes.
const SIZES: [usize; 3] = [320, 32_000, 1_000_000];
/// One worker of this many sees a customer, besides those of everyone: each twentieth.
const WORKERS: usize = 200;
pub(super) const ANA: &str = "worker-1@example.org";
/// Longest time until the index is complete.
pub(super) const READY: Duration = Duration::from_secs(900);
/// Pause between two looks at the index.
const LOOK: Duration = Duration::from_millis(200);

const NATIVE: &str = "native";
const EXPRESS: &str = "express";
const CPU: &str = "CPU for each request";
const RATE: &str = "requests a second";
const P50: &str = "p50, 16 connections";
const P99: &str = "p99, 16 connections";

/// The name of a callback, its path, and its fields.
type Callback<'c> = (&'static str, &'static str, Vec<(&'c str, &'c str)>);

pub(crate) fn shipped(report: &mut Report, plan: Plan, with_million: bool) -> anyhow::Result<()> {
    let mut part = report.part("shipped", "the shipped plugins with an index of customers");
    let sizes = if with_million { &SIZES[..] } else { &SIZES[..2] };
    if !with_million {
        part.skip("1,000,000 customers", "reading them takes minutes; --with-million does");
    }
    let express = servers::express();
    if let Err(error) = &express {
        part.skip("Express with Twilio's middleware", format!("{error:#}"));
    }
    if let Ok(express) = &express {
        Load::full(Question::List, CONNECTIONS).run(express.address, WARM_UP)?;
    }
    let native = servers::native()?;
    let mut gateways = Vec::new();
    for &size in sizes {
        let gateway = servers::Gateway::start(setup(size))?;
        let list = wait_until_ready(&gateway.process)?;
        let resident = gateway.process.resident_kib()? / 1024.0;
        part.figure(format!("{size} customers: resident"), "MiB", &[resident], None);
        let mut questions = vec![("list", list)];
        for (name, path, form) in callbacks().into_iter().skip(1) {
            questions.push((name, recorded(&gateway.process, path, &form)?));
        }
        gateways.push((size, gateway, questions));
    }
    let mut series = Series::default();
    for _ in 0..plan.rounds {
        measure(&mut series, NATIVE, &native, Question::List, plan)?;
        if let Ok(express) = &express {
            measure(&mut series, EXPRESS, express, Question::List, plan)?;
        }
        for (size, gateway, questions) in &gateways {
            for (name, question) in questions {
                measure(&mut series, &format!("{size} {name}"), &gateway.process, *question, plan)?;
            }
        }
    }
    for server in [NATIVE, EXPRESS] {
        show(&mut part, &series, &format!("{server}, 20 customers of a plain list"), server);
    }
    for size in sizes {
        for (name, ..) in callbacks() {
            let server = format!("{size} {name}");
            show(&mut part, &series, &format!("{size} customers, {name}"), &server);
            let goal = Some(Goal::AtLeast(5.0));
            let rate = series.ratio(RATE, &server, EXPRESS);
            part.figure(format!("{size} customers, {name}: requests a second / express list"), "", &rate, goal);
        }
        let cpu = series.ratio(CPU, &format!("{size} list"), NATIVE);
        part.figure(format!("{size} customers, list: CPU / native"), "", &cpu, Some(Goal::AtMost(2.5)));
    }
    let (few, most) = (format!("{} list", sizes[0]), format!("{} list", sizes[sizes.len() - 1]));
    let growth = series.ratio(CPU, &most, &few);
    part.figure("list: CPU with the most customers / with the fewest", "", &growth, Some(Goal::AtMost(1.2)));
    Ok(())
}

fn show(part: &mut Part<'_>, series: &Series, name: &str, server: &str) {
    for (measure, unit) in [(CPU, "us"), (RATE, ""), (P50, "us"), (P99, "us")] {
        part.figure(format!("{name}: {measure}"), unit, series.get(server, measure), None);
    }
}

/// Returns every callback.
fn callbacks<'c>() -> [Callback<'c>; 6] {
    let crm = "/callbacks/crm";
    [
        ("list", crm, vec![("Location", "GetCustomersList"), ("PageSize", "20"), ("Worker", ANA)]),
        (
            "search",
            crm,
            vec![("Location", "GetCustomersList"), ("PageSize", "20"), ("Worker", ANA), ("Query", "costa")],
        ),
        ("page", crm, vec![("Location", "GetCustomerDetailsByCustomerId"), ("Worker", ANA), ("CustomerId", "c-1")]),
        (
            "templates",
            "/callbacks/templates",
            vec![("Location", "GetTemplatesByCustomerId"), ("Worker", ANA), ("CustomerId", "c-1")],
        ),
        (
            "outgoing",
            "/callbacks/outgoing-conversation",
            vec![
                ("Location", "GetProxyAddress"),
                ("Worker", ANA),
                ("CustomerId", "c-1"),
                ("ChannelType", "sms"),
                ("ChannelValue", "+12020000001"),
            ],
        ),
        (
            "onConversationAdd",
            "/callbacks/conversations",
            vec![
                ("EventType", "onConversationAdd"),
                ("MessagingBinding.Address", "+12020000001"),
                ("MessagingBinding.ProxyAddress", "+12025550199"),
            ],
        ),
    ]
}

/// Creates a file of this many customers.
pub(super) fn customers(size: usize) -> String {
    let mut csv = "Id,Name,Phone,Owner,Company\n".to_owned();
    for n in 0..size {
        let owner = if n % 20 == 0 { String::new() } else { format!("worker-{}@example.org", n % WORKERS) };
        let (first, last) = (FIRST[n % 10], LAST[n / 10 % 10]);
        let _ = writeln!(csv, "c-{n},{first} {last} {n},+1202{n:07},{owner},Company {}", n % 1_000);
    }
    csv
}

/// Creates a setup with this many customers in a file.
pub(super) fn setup(size: usize) -> Setup {
    // `cargo xtask build` tests and marks the shipped plugins, whose instances are then reused.
    let plugins = ["directory", "templates", "numbers"].into_iter().fold(servers::empty_setup(), |setup, name| {
        setup.plugin(name, &component(name)).set(&format!("plugins.named.{name}.instances"), "\"reused\"")
    });
    plugins
        .file("customers.csv", &customers(size))
        .file("templates.toml", TEMPLATES)
        .set("plugins.named.directory.files", "\"files\"")
        .set("plugins.named.directory.config.customers", "\"customers.csv\"")
        .set("plugins.named.directory.config.columns", "{ owner = \"Owner\", company = \"Company\" }")
        .set("plugins.named.templates.files", "\"files\"")
        .set("plugins.named.templates.config.templates", "\"templates.toml\"")
        .set("plugins.named.numbers.config.sms", "\"+12025550199\"")
        .set("tenants.demo.customers.index", "true")
        .set("tenants.demo.customers.interval_ms", "3600000")
        .set("tenants.demo.roles.crm", "[]")
        .set("tenants.demo.roles.crm-source", "[\"directory\"]")
        .set("tenants.demo.roles.templates", "[\"templates\"]")
        .set("tenants.demo.roles.outgoing", "[\"numbers\"]")
}

const FIRST: [&str; 10] = ["Ada", "Boris", "Chen", "Dora", "Emil", "Farah", "Gus", "Hana", "Ivo", "Jun"];
const LAST: [&str; 10] = ["Adler", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen"];
const TEMPLATES: &str =
    "[[category]]\nname = \"Greetings\"\n[[category.template]]\ntext = \"Hi {customer.first_name}\"\n";

/// Waits until the index answers, and returns the list.
pub(super) fn wait_until_ready(gateway: &Process) -> anyhow::Result<Question> {
    let until = Instant::now() + READY;
    let (_, path, form) = &callbacks()[0];
    loop {
        match recorded(gateway, path, form) {
            Ok(list) => return Ok(list),
            Err(error) => ensure!(Instant::now() < until, "the index is not complete: {error:#}"),
        }
        std::thread::sleep(LOOK);
    }
}

/// Sends a request once, and expects the same answer from now on.
pub(super) fn recorded(gateway: &Process, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Question> {
    let request = request(path, form);
    let (status, expected) = gateway.fetch(&request)?;
    let text = String::from_utf8_lossy(&expected).into_owned();
    ensure!(status == 200, "{path} answers {status}: {text}");
    Ok(Question::Fixed(Box::leak(Box::new(Exchange { request, expected }))))
}

fn measure(series: &mut Series, name: &str, process: &Process, question: Question, plan: Plan) -> anyhow::Result<()> {
    let before = process.cpu()?;
    let answers = Load::full(question, CONNECTIONS).run(process.address, plan.time)?;
    ensure!(answers.wrong == 0, "{name} gave {} wrong answers", answers.wrong);
    let cpu = process.cpu()?.checked_sub(before).context("processor time decreased")?;
    series.push(name, CPU, cpu.as_secs_f64() * 1e6 / answers.right as f64);
    series.push(name, RATE, answers.per_second());
    series.push(name, P50, answers.within_us(0.5));
    series.push(name, P99, answers.within_us(0.99));
    Ok(())
}
