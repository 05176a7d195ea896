//! Resident memory: with many plugins, each for its own tenant, and with many idle connections.

use anyhow::Context as _;
use frontgate_tests::{Setup, component};
use futures_util::future::try_join_all;
use rustix::process::{Resource, getrlimit, setrlimit};

use super::call::runtime;
use crate::connection::Connection;
use crate::process::Process;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, Gateway};

const LOADED: &str = "loaded";
const USED: &str = "each used once";
const CONNECTED: &str = "with idle connections";

const PLUGINS: [usize; 3] = [1, 10, 100];
const IDLE_CONNECTIONS: usize = 10_000;
/// Number of connections opened concurrently; few enough for the listen queue.
const OPENED_AT_ONCE: usize = 500;
/// Number of open files other than the connections.
const OTHER_FILES: u64 = 100;

/// Creates a setup with this number of distinct plugins and as many tenants.
pub(super) fn many(plugins: usize) -> Setup {
    let original = component("bench-customers");
    let empty = servers::empty_setup().set("tenants.demo.roles.crm", "[]").set("server.header_timeout_ms", "60000");
    // Use a separate cache, because other setups would evict files from a shared one.
    let empty = empty.set("plugins.cache", "\"compiled\"");
    (0..plugins).fold(empty, |setup, number| {
        let name = tenant(number);
        // A custom section makes each file distinct.
        let build = [&original, &[0, 6, 1, b'm'][..], &number.to_le_bytes()[..4]].concat();
        setup
            .plugin(&name, &build)
            .set(&format!("tenants.{name}.path"), format!("\"/{name}\""))
            .set(&format!("tenants.{name}.twilio.auth_tokens"), "[{ file = \"token\" }]")
            .set(&format!("tenants.{name}.roles.crm"), format!("[\"{name}\"]"))
    })
}

/// Returns the name of a tenant in [`many`] and of its plugin.
pub(super) fn tenant(number: usize) -> String {
    format!("t{number}")
}

pub(crate) fn memory(report: &mut Report) -> anyhow::Result<()> {
    let mut part = report.part("memory", "resident memory, files that are mapped included");
    let mut series = Series::default();
    for plugins in PLUGINS {
        // Memory hardly differs between rounds, so each setup runs only once.
        let gateway = Gateway::start(many(plugins))?;
        (0..plugins).try_for_each(|_| gateway.process.wait_for_swap())?;
        series.push(name(plugins), LOADED, gateway.process.resident_kib()?);
        for number in 0..plugins {
            use_once(&gateway.process, number)?;
        }
        series.push(name(plugins), USED, gateway.process.resident_kib()?);
        if plugins == 1 {
            match idle(&gateway.process) {
                Ok(kib) => series.push(name(plugins), CONNECTED, kib),
                Err(error) => part.skip("10,000 idle connections", format!("{error:#}")),
            }
        }
    }
    let kib = |plugins: usize, measure| series.get(&name(plugins), measure).first().copied().unwrap_or_default();
    for plugins in PLUGINS {
        let goal = (plugins == 1).then_some(Goal::AtMost(25.0));
        part.figure(format!("{}, {LOADED}", name(plugins)), "MiB", &[kib(plugins, LOADED) / 1024.0], goal);
        part.figure(format!("{}, {USED}", name(plugins)), "MiB", &[kib(plugins, USED) / 1024.0], goal);
    }
    let [few, .., most] = PLUGINS;
    let more = 1024.0 * (most - few) as f64;
    let loaded = (kib(most, LOADED) - kib(few, LOADED)) / more;
    part.figure("each more plugin, loaded", "MiB", &[loaded], Some(Goal::AtMost(0.3)));
    let used = (kib(most, USED) - kib(few, USED)) / more;
    part.figure("each more plugin, used", "MiB", &[used], Some(Goal::AtMost(0.5)));
    let connected = series.get(&name(few), CONNECTED);
    part.figure("each of 10,000 idle connections", "KiB", connected, Some(Goal::AtMost(21.0)));
    Ok(())
}

fn name(plugins: usize) -> String {
    format!("{plugins} plugins")
}

fn use_once(process: &Process, number: usize) -> anyhow::Result<()> {
    let asked = process.ask(&format!("/{}", tenant(number)), Question::List)?;
    anyhow::ensure!(asked, "a plugin does not answer");
    Ok(())
}

/// Returns the KiB of memory per idle connection, after one request on each.
fn idle(process: &Process) -> anyhow::Result<f64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let files = limit.maximum.unwrap_or(u64::MAX);
    anyhow::ensure!(files > IDLE_CONNECTIONS as u64 + OTHER_FILES, "only {files} files may be open");
    setrlimit(Resource::Nofile, limit).context("raising the limit on open files")?;
    let before = process.resident_kib()?;
    let (request, expected) = (Question::List.request("/t0"), Question::List.answer());
    runtime()?.block_on(async {
        let mut all = Vec::with_capacity(IDLE_CONNECTIONS);
        while all.len() < IDLE_CONNECTIONS {
            let some = (0..OPENED_AT_ONCE).map(|_| async {
                let mut connection = Connection::open(process.address).await?;
                connection.ask(&request, &expected).await?;
                std::io::Result::Ok(connection)
            });
            all.extend(try_join_all(some).await?);
        }
        Ok((process.resident_kib()? - before) / all.len() as f64)
    })
}
