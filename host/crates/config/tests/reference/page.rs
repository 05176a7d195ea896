//! Generates the reference page from the schema, and compares it with the one in `docs/`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::sections::sections;

const PAGE: &str = "../../../docs/operate/configuration.md";
/// Environment variable that makes the test write the page.
const UPDATE: &str = "FRONTGATE_UPDATE_REFERENCE";

const INTRODUCTION: &str = "\
# Configuration reference

Every key of `config.toml`, with its default, its range and its meaning. A test generates this page from the program; see
[config.toml](../../config.toml) for an example with every key.

- `frontgate check` reports every mistake with its place in the file, and how to fix it.
- `frontgate config show` prints the configuration with its defaults. Secrets are shown as their source.
- `frontgate config schema` prints a JSON schema, with which editors complete and check the file. Write it to
  `config.schema.json`, and begin `config.toml` with `#:schema ./config.schema.json`.
- `frontgate reload` applies a changed file to the running gateway. A change of a key whose column *restart* says *yes*
  needs a restart; *raised*: only a higher value does.

Keys that end in `_ms` are times in milliseconds, and keys with `bytes` are sizes in bytes. Relative paths start at the
folder of the file. A *secret* is never written in the file: it is `{ env = \"NAME\" }` or `{ file = \"PATH\" }`.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in sections() {
        let (open, close) = if section.is_list { ("[[", "]]") } else { ("[", "]") };
        let _ = write!(page, "\n## `{open}{}{close}`\n", section.path);
        if let Some(sentence) = section.schema.get("description").and_then(Value::as_str) {
            let _ = write!(page, "\n{}\n", cell(sentence));
        }
        let section_restart = section.schema.get("x-restart");
        let properties = section.properties();
        if properties.is_empty() {
            continue;
        }
        page.push_str("\n| key | type | default | range | restart | meaning |\n|---|---|---|---|---|---|\n");
        for (key, schema) in &properties {
            let restart = match section_restart.or(schema.get("x-restart")) {
                Some(Value::Bool(true)) => "yes",
                Some(_) => "raised",
                None => "",
            };
            let meaning = cell(schema["description"].as_str().unwrap_or_default());
            let (kind, default, range) = (kind(schema), default(schema), range(schema));
            let _ = writeln!(page, "| `{key}` | {kind} | {default} | {range} | {restart} | {meaning} |");
        }
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn kind(schema: &Value) -> String {
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        return title.to_owned();
    }
    if let Some(section) = schema.get("x-keys-of").and_then(Value::as_str) {
        return format!("keys of `[{section}]`");
    }
    if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array) {
        let names: Vec<String> =
            alternatives.iter().filter_map(|one| one["const"].as_str()).map(|name| format!("`\"{name}\"`")).collect();
        return names.join(" or ");
    }
    let of = |inner: Option<&Value>, name: &str| match inner {
        Some(inner) if inner.get("title").is_some() || inner["type"].is_string() => {
            let kind = kind(inner);
            let plural = if kind.contains(' ') { "" } else { "s" };
            format!("{name} of {kind}{plural}")
        }
        _ => name.to_owned(),
    };
    match schema["type"].as_str().unwrap_or_default() {
        "array" => of(schema.get("items"), "list"),
        "object" => of(schema.get("additionalProperties"), "table"),
        name => name.to_owned(),
    }
}

fn default(schema: &Value) -> String {
    match schema.get("default") {
        None => String::new(),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        Some(value) => format!("`{value}`"),
    }
}

fn range(schema: &Value) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        _ => String::new(),
    }
}

#[test]
fn the_reference_page_is_that_of_the_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = page();
    if std::env::var_os(UPDATE).is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, &page).expect("a file");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/operate/configuration.md is out of date; update it with `{UPDATE}=1 cargo test -p frontgate-config`"
    );
}
