//! Compares one list call in plugins written in Rust, JavaScript and Python. Skips a language whose tools are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use frontgate_tests::{Setup, component, root};

use super::Plan;
use super::call::{list, push, repeat, runtime};
use crate::cores::Side;
use crate::engine::Library;
use crate::report::{Goal, Report, Series};
use crate::request::Question;
use crate::servers::{self, is_newer, run, workspace};

const P50: &str = "p50";
const P99: &str = "p99";

const REUSED: &str = "reused";
/// Kinds of instances, as in the setting.
const HOW: [&str; 2] = ["fresh", REUSED];

/// Goals for reused instances.
const GOALS: [(&str, Goal); 2] = [("javascript", Goal::AtMost(60.0)), ("python", Goal::AtMost(250.0))];

/// The tool that builds a plugin from a Python module.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// WIT world of plugins with the role crm.
const WORLD: &str = "crm-plugin";

pub(crate) fn languages(report: &mut Report, plan: Plan) -> anyhow::Result<()> {
    let mut part = report.part("languages", "one call that lists 20 customers");
    let mut plugins = vec![("rust", component("bench-customers"))];
    for (name, built) in [("javascript", javascript()), ("python", python())] {
        match built.and_then(|path| Ok(fs::read(path)?)) {
            Ok(bytes) => plugins.push((name, bytes)),
            Err(error) => part.skip(name, format!("{error:#}")),
        }
    }
    let names: Vec<&str> = plugins.iter().map(|(name, _)| *name).collect();
    let series = Side::Server.run(|| measure(plan, &plugins))?;
    for name in &names {
        for how in HOW {
            let goal = GOALS.iter().find(|(of, _)| of == name && how == REUSED).map(|(_, goal)| *goal);
            let server = format!("{name}, {how}");
            part.figure(format!("{server}: {P50}"), "us", series.get(&server, P50), goal);
            part.figure(format!("{server}: {P99}"), "us", series.get(&server, P99), None);
        }
    }
    for name in &names[1..] {
        for how in HOW {
            let ratio = series.ratio(P50, &format!("{name}, {how}"), &format!("rust, {how}"));
            part.figure(format!("{name}, {how} / rust"), "", &ratio, None);
        }
    }
    Ok(())
}

fn measure(plan: Plan, plugins: &[(&str, Vec<u8>)]) -> anyhow::Result<Series> {
    let runtime = runtime()?;
    let mut libraries = Vec::new();
    for how in HOW {
        let setup = servers::empty_setup().set("tenants.demo.roles.crm", "[]");
        let setup = plugins.iter().fold(setup, |setup, (name, bytes)| with_tenant(setup, name, bytes, how));
        libraries.push((how, runtime.block_on(Library::load(setup))?));
    }
    let mut series = Series::default();
    for (_, (library, _)) in &libraries {
        for (name, _) in plugins {
            let answer = runtime.block_on(list(library, name, Question::List))?;
            anyhow::ensure!(answer == Question::List.answer(), "the plugin in {name} answers something else");
        }
    }
    for _ in 0..plan.rounds {
        for (how, (library, _)) in &libraries {
            for (name, _) in plugins {
                let took = runtime.block_on(repeat(plan, || list(library, name, Question::List)))?;
                push(&mut series, &format!("{name}, {how}"), &took);
            }
        }
    }
    Ok(series)
}

fn with_tenant(setup: Setup, name: &str, component: &[u8], how: &str) -> Setup {
    setup
        .plugin(name, component)
        .set(&format!("plugins.named.{name}.instances"), format!("{how:?}"))
        .set(&format!("tenants.{name}.path"), format!("\"/{name}\""))
        .set(&format!("tenants.{name}.twilio.auth_tokens"), "[{ file = \"token\" }]")
        .set(&format!("tenants.{name}.roles.crm"), format!("[\"{name}\"]"))
}

/// Builds a JavaScript plugin, which includes QuickJS.
fn javascript() -> anyhow::Result<PathBuf> {
    let (source, folder) = (root().join("bench/guests/javascript"), workspace().join("javascript"));
    let built = folder.join("plugin.wasm");
    if is_newer(&built, &source.join("plugin.js")) && is_newer(&built, &source.join("package-lock.json")) {
        return Ok(built);
    }
    fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json", "plugin.js"] {
        fs::copy(source.join(name), folder.join(name))?;
    }
    // `npm ci` of newer versions requests optional packages of other systems that were never published.
    run(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder))?;
    let mut componentize = Command::new("node_modules/.bin/componentize-qjs");
    componentize.arg("-w").arg(root().join("wit")).args([
        "-n",
        WORLD,
        "-j",
        "plugin.js",
        "-o",
        "plugin.wasm",
        "--sync",
    ]);
    run(componentize.current_dir(&folder))?;
    Ok(built)
}

/// Builds a Python plugin, which includes CPython.
fn python() -> anyhow::Result<PathBuf> {
    let (source, folder) = (root().join("bench/guests/python"), workspace().join("python"));
    let built = folder.join("plugin.wasm");
    if is_newer(&built, &source.join("plugin.py")) {
        return Ok(built);
    }
    fs::create_dir_all(&folder)?;
    fs::copy(source.join("plugin.py"), folder.join("plugin.py")).context("copying the source")?;
    if !Path::new(&folder.join("venv/bin/componentize-py")).exists() {
        run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(&folder))?;
        run(Command::new("venv/bin/pip").args(["install", "--quiet", COMPONENTIZE_PY]).current_dir(&folder))?;
    }
    let mut componentize = Command::new("venv/bin/componentize-py");
    componentize.arg("-d").arg(root().join("wit")).args(["-w", WORLD, "componentize", "plugin", "-o", "plugin.wasm"]);
    run(componentize.current_dir(&folder))?;
    Ok(built)
}
