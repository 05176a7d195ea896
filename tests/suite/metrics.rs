//! Tests the format of `/metrics`, and that every family is described there and in `docs/operate/metrics.md`.

use std::collections::BTreeMap;
use std::fs;

use frontgate_tests::{Gateway, Setup, root};

const PAGE: &str = "docs/operate/metrics.md";

/// A family of metrics in the output of `/metrics`.
#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    labels: Vec<String>,
    samples: usize,
}

/// Parses the families in a text. Panics at a sample that does not follow its family.
fn families(text: &str) -> BTreeMap<String, Family> {
    let (mut families, mut current) = (BTreeMap::<String, Family>::new(), String::new());
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            current = name.to_owned();
            let family = Family { help: help.to_owned(), ..Family::default() };
            assert!(families.insert(current.clone(), family).is_none(), "two families {name}");
            continue;
        }
        let family = families.get_mut(&current).unwrap_or_else(|| panic!("no family before: {line}"));
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert_eq!(name, current);
            family.kind = kind.to_owned();
            continue;
        }
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let suffixes: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(suffixes.iter().any(|suffix| name == format!("{current}{suffix}")), "{line} in {current}");
        let names = line.split(['{', ',']).skip(1).filter_map(|label| label.split_once('=')).map(|(name, _)| name);
        family.labels = names.filter(|name| *name != "le").map(str::to_owned).collect();
        family.samples += 1;
    }
    families
}

/// Returns the rows of the page: type and labels by name of the family.
fn page() -> BTreeMap<String, (String, Vec<String>)> {
    let text = fs::read_to_string(root().join(PAGE)).expect("the page");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let labels = cells[4].split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        (cells[1].clone(), (cells[2].clone(), labels))
    })
    .collect()
}

/// Starts a gateway, and causes metrics of calls, failures and rejected requests.
fn busy_gateway() -> Gateway {
    let gateway = Setup::misbehaving().start();
    gateway.output_of("hello");
    assert_eq!(gateway.instruct("panic").code(), "plugin-trapped");
    assert_eq!(gateway.get("/unknown", &[]).status, 404);
    gateway
}

#[test]
fn every_family_has_a_help_text_and_a_type() {
    let gateway = busy_gateway();
    let families = families(&gateway.admin_get("/metrics").1);
    assert!(families.contains_key("frontgate_plugin_cpu_seconds"), "{:?}", families.keys());
    for (name, family) in families {
        assert!(family.help.len() > 10 && family.help.ends_with('.'), "{name}: {}", family.help);
        assert!(["counter", "gauge", "histogram"].contains(&&*family.kind), "{name}: {}", family.kind);
        assert!(family.samples > 0, "{name} has no sample");
    }
}

#[test]
fn every_family_is_on_the_page() {
    let gateway = busy_gateway();
    let page = page();
    for (name, family) in families(&gateway.admin_get("/metrics").1) {
        let (kind, labels) = page.get(&name).unwrap_or_else(|| panic!("{name} is missing in {PAGE}"));
        assert_eq!((&family.kind, &family.labels), (kind, labels), "{name}");
    }
}

#[test]
fn the_content_type_is_that_of_prometheus_text() {
    let gateway = Setup::misbehaving().start();
    let open_metrics = "application/openmetrics-text; version=1.0.0";
    for accept in ["*/*", open_metrics] {
        let answer = frontgate_tests::get(gateway.admin_address(), "/metrics", &[("accept", accept)]);
        assert_eq!(
            (answer.status, &*answer.headers["content-type"]),
            (200, "text/plain; version=0.0.4; charset=utf-8")
        );
        assert!(answer.text.ends_with('\n') && !answer.text.contains("# EOF"), "{}", answer.text);
    }
}

#[test]
fn process_metrics_are_those_of_the_gateway() {
    let gateway = Setup::misbehaving().start();
    let between = |name: &str, least: f64, most: f64| {
        let value = gateway.metric(name);
        assert!((least..=most).contains(&value), "{name} {value}");
        value
    };
    between("process_cpu_seconds_total", 0.001, 600.0);
    between("process_open_fds", 5.0, 1_000.0);
    between("process_max_fds", 64.0, f64::MAX);
    between("process_threads", 2.0, 1_000.0);
    let resident = between("process_resident_memory_bytes", 1e6, 1e10);
    between("process_virtual_memory_bytes", resident, f64::MAX);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs_f64();
    between("process_start_time_seconds", now - 600.0, now + 0.1);
}

#[test]
fn the_start_time_does_not_change_between_scrapes() {
    let gateway = Setup::misbehaving().start();
    let first = gateway.metric("process_start_time_seconds");
    assert_eq!(gateway.metric("process_start_time_seconds"), first);
}

#[test]
fn the_build_info_has_the_version() {
    let gateway = Setup::misbehaving().start();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(gateway.metric(&format!("frontgate_build_info{{version=\"{version}\"}}")), 1.0);
}

/// The dashboard and the alerts for operators.
const OPERATORS_FILES: [&str; 2] = ["ops/grafana/frontgate.json", "ops/prometheus/frontgate.rules.yml"];

/// Returns the names of metrics in a text.
fn named_metrics(text: &str) -> Vec<&str> {
    let is_part = |other: char| other.is_ascii_lowercase() || other == '_';
    let starts = text.match_indices("frontgate_").map(|(start, _)| &text[start..]);
    starts.map(|rest| &rest[..rest.find(|other| !is_part(other)).unwrap_or(rest.len())]).collect()
}

/// Returns the labels in selectors and in `by (...)` of an expression.
fn named_labels(expression: &str) -> Vec<String> {
    let inside = |open: &str, close: char| -> Vec<String> {
        let parts = expression.split(open).skip(1).filter_map(|part| part.split(close).next());
        parts.flat_map(|part| part.split(',')).map(|name| name.trim().to_owned()).collect()
    };
    let selected = inside("{", '}').into_iter().filter_map(|label| Some(label.split(['=', '!']).next()?.to_owned()));
    inside("by (", ')').into_iter().chain(selected).filter(|label| label != "le").collect()
}

#[test]
fn every_metric_of_dashboard_and_alerts_exists() {
    let known = page();
    for file in OPERATORS_FILES {
        let text = fs::read_to_string(root().join(file)).expect("the file");
        let named = named_metrics(&text);
        assert!(named.len() > 10, "{file}: {named:?}");
        for name in named {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(
                known.contains_key(name) || family.is_some_and(|family| known.contains_key(family)),
                "{file}: {name}"
            );
        }
    }
}

#[test]
fn every_label_of_dashboard_and_alerts_exists() {
    let known = page();
    for file in OPERATORS_FILES {
        let text = fs::read_to_string(root().join(file)).expect("the file");
        let lines = text.lines().filter_map(|line| line.split_once("expr"));
        let expressions: Vec<String> = lines.map(|(_, expression)| expression.replace('\\', "")).collect();
        for expression in expressions.iter().filter(|expression| expression.contains("frontgate_")) {
            let families = named_metrics(expression);
            let labels: Vec<&String> = families
                .iter()
                .filter_map(|name| known.get(*name).or_else(|| known.get(name.strip_suffix("_bucket")?)))
                .flat_map(|(_, labels)| labels)
                .collect();
            for label in named_labels(expression) {
                assert!(labels.contains(&&label), "{file}: {label} in {expression}");
            }
        }
    }
}
