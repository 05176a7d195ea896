//! Tests that the example and the reference page contain every key of the schema.

mod page;
mod sections;

use std::collections::BTreeMap;
use std::path::Path;

use frontgate_config::Config;
use serde_json::Value;
use tempfile::TempDir;

use self::sections::{Section, sections};

const EXAMPLE: &str = include_str!("../../../../../config.toml");

/// Keys for which the example shows its own value instead of the default.
const NOT_DEFAULTS: [&str; 11] = [
    "tenants.demo.twilio.auth_tokens",
    "tenants.demo.twilio.numbers",
    "tenants.demo.customers.index",
    "tenants.demo.roles.crm",
    "tenants.demo.roles.crm-source",
    "tenants.demo.roles.templates",
    "tenants.demo.roles.outgoing",
    "tenants.demo.roles.routing",
    "tenants.demo.front.sms.app_secrets",
    "tenants.demo.front.sms.plugin",
    "plugins.named.directory.files",
];

/// Returns the example without the lines that refer to simulators.
fn without_simulators() -> String {
    EXAMPLE.lines().filter(|line| !line.ends_with("# simulator")).collect::<Vec<_>>().join("\n")
}

/// Returns each section with its key, such as `tenants.demo.front.sms`, and its table in the example. Skips lists.
fn example() -> Vec<(String, Section<'static>, Value)> {
    let example: Value = toml::from_str(&without_simulators()).expect("TOML");
    let tables = sections().into_iter().filter(|section| !section.is_list && !section.is_in_list).map(|section| {
        let path = section.path.replace("named.NAME", "named.directory").replace("tenants.NAME", "tenants.demo");
        let path = path.replace("front.APP", "front.sms");
        let names = path.split('.').filter(|name| !name.is_empty());
        let table = names.fold(&example, |table, name| &table[name]).clone();
        // A table that changes how the example works is in comments, as a whole.
        let is_in_comment = EXAMPLE.lines().any(|line| line == format!("# [{path}]"));
        let table = if is_in_comment { Value::Object(serde_json::Map::new()) } else { table };
        assert!(table.is_object(), "[{path}] is not in config.toml");
        (path, section, table)
    });
    tables.collect()
}

#[test]
fn the_example_names_every_key() {
    for (path, section, table) in example() {
        assert!(!section.properties().is_empty(), "[{path}] has no keys");
        for key in section.properties().keys() {
            let in_comment = EXAMPLE.lines().any(|line| line.starts_with('#') && line.contains(&format!(" {key} = ")));
            let simulated =
                EXAMPLE.lines().any(|line| line.starts_with(&format!("{key} = ")) && line.ends_with("# simulator"));
            assert!(table.get(key).is_some() || in_comment || simulated, "`{key}` is not in [{path}] of config.toml");
        }
    }
}

#[test]
fn the_example_shows_the_defaults() {
    for (path, section, table) in example() {
        for (key, schema) in section.properties() {
            let full = format!("{path}.{key}");
            if let (Some(default), Some(shown)) = (schema.get("default"), table.get(key))
                && !NOT_DEFAULTS.contains(&full.as_str())
            {
                assert_eq!(default, shown, "{full}");
            }
        }
    }
}

#[test]
fn every_default_is_within_its_range() {
    for section in sections() {
        for (key, schema) in section.properties() {
            let end = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
            if let Some(default) = end("default") {
                let range = end("minimum").unwrap_or(0)..=end("maximum").unwrap_or(u64::MAX);
                assert!(range.contains(&default), "{}.{key} = {default} is not within {range:?}", section.path);
            }
        }
    }
}

#[test]
fn every_key_has_a_sentence() {
    for section in sections() {
        for (key, schema) in section.properties() {
            let sentence = schema["description"].as_str().unwrap_or_default();
            assert!(sentence.ends_with('.'), "{}.{key}: {sentence:?}", section.path);
        }
    }
}

#[test]
fn limits_of_a_plugin_have_the_ranges_of_all_limits() {
    let settings = "state = { keys_max = 0 }\nlimits = { cpu_time_ms = 0 }".parse().expect("TOML");
    let made = Config::of_plugin(Path::new("plugin.toml"), "x", &settings, &BTreeMap::new());
    let diagnostics = made.expect_err("two numbers are out of range").0;
    let problems: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.problem.as_str()).collect();
    assert_eq!(problems, ["plugin.state.keys_max: 0 is out of range", "plugin.limits.cpu_time_ms: 0 is out of range"]);
}

#[test]
fn settings_that_need_a_restart_are_compared_by_effective_value() {
    let folder = TempDir::new().expect("a folder");
    let read = |text: &str| {
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).expect("a file");
        Config::load_unchecked(&file).expect("a configuration")
    };
    let fixed = read("").fixed();
    let defaults = "[server]\nheaders_max = 64\nbody_bytes_max = 1\n[log]\nformat = \"text\"";
    assert_eq!(fixed.changed(&read(defaults)), Vec::<String>::new());
    let others =
        "[server]\nheaders_max = 65\n[log]\nlevel = \"warn\"\n[plugins.limits]\nmemory_bytes_max = 134217728\n";
    let changed = fixed.changed(&read(others));
    assert_eq!(changed, ["log.level", "server.headers_max", "the largest memory_bytes_max"]);
}

#[test]
fn three_lines_of_the_example_point_at_simulators() {
    assert_eq!(without_simulators().lines().count() + 3, EXAMPLE.lines().count());
}
