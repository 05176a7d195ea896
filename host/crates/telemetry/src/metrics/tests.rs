use std::fmt::Write as _;
use std::path::Path;

use prometheus_client::metrics::MetricType;

use super::*;

/// Environment variable that makes the test write the page instead of comparing it.
const UPDATE: &str = "FRONTGATE_UPDATE_DOCS";

const HEAD: &str = "# Metrics

This page is for operators. The admin listener answers `/metrics` in Prometheus' text format, version 0.0.4, with `HELP`
and `TYPE` for each metric. A metric with labels appears with its first value. Values that Linux does not provide are left
out. [Error codes](errors.md) explains the values of `code` and `outcome`.

<!-- Generated from host/crates/telemetry/src/metrics.rs; a test compares the two. -->

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for entry in &METRICS.entries {
        let labels: Vec<String> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels, help) = (entry.name, shown(entry.kind), labels.join(", "), entry.help);
        let unit = entry.unit().map_or(String::new(), |unit| unit.as_str().to_owned());
        writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |").expect("a string takes every text");
    }
    page
}

/// Returns the type in `/metrics`, which shows metrics with constant labels as gauges.
fn shown(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "counter",
        MetricType::Histogram => "histogram",
        _ => "gauge",
    }
}

#[test]
fn the_page_lists_every_metric() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/operate/metrics.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, page()).expect("a file");
    }
    let command = format!("{UPDATE}=1 cargo test --profile quick -p frontgate-telemetry the_page_lists_every_metric");
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == page(), "docs/operate/metrics.md is out of date; run: {command}");
}

#[test]
fn every_name_has_the_suffix_of_its_type() {
    for entry in &METRICS.entries {
        assert_eq!(entry.name.ends_with("_total"), entry.kind == MetricType::Counter, "{}", entry.name);
        assert!(!entry.help.ends_with('.'), "the encoder adds the period: {}", entry.name);
    }
}

#[test]
fn names_in_the_text_are_those_of_the_entries() {
    let text = METRICS.render();
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let families: Vec<&str> = families.collect();
    assert!(families.iter().all(|family| METRICS.entries.iter().any(|entry| entry.name == *family)), "{families:?}");
    // Metrics without labels appear from the start.
    for entry in METRICS.entries.iter().filter(|entry| entry.labels.is_empty()) {
        assert!(families.contains(&entry.name), "{} in {families:?}", entry.name);
    }
}

#[test]
fn a_histogram_has_cumulative_buckets() {
    let mut all = Registration::default();
    let times: Histograms<labels::Callback> = all.histograms("example_seconds", Bounds(&[0.5, 1.0]), "Example");
    let times = times.get_or_create_owned(&labels::Callback { callback: "crm" });
    for value in [0.25, 0.5, 0.75, 4.0] {
        times.observe(value);
    }
    let mut text = String::new();
    prometheus_text::encode(&mut text, &all.into_parts().0).expect("a text");
    let expected = [
        "# HELP example_seconds Example.",
        "# TYPE example_seconds histogram",
        "example_seconds_bucket{callback=\"crm\",le=\"0.5\"} 2",
        "example_seconds_bucket{callback=\"crm\",le=\"1\"} 3",
        "example_seconds_bucket{callback=\"crm\",le=\"+Inf\"} 4",
        "example_seconds_sum{callback=\"crm\"} 5.5",
        "example_seconds_count{callback=\"crm\"} 4",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_label_value_is_escaped() {
    let mut all = Registration::default();
    let keys: Family<labels::Verified, Counter> = all.family("example_total", "Example");
    keys.get_or_create(&labels::Verified { tenant: "demo".into(), key: "a\"b\\c\nd".into() }).inc();
    let mut text = String::new();
    prometheus_text::encode(&mut text, &all.into_parts().0).expect("a text");
    assert!(text.contains("example_total{tenant=\"demo\",key=\"a\\\"b\\\\c\\nd\"} 1\n"), "{text}");
}
