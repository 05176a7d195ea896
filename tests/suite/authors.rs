//! Tests the commands for plugins that need no gateway: `plugin inspect`, `call` and `test`.

mod cases;
mod conformance;
mod dev;
mod inspect;
mod reuse;

use std::fs;
use std::path::Path;
use std::process::Output;

use frontgate_tests::{component, root, run};
use serde_json::Value;
use tempfile::TempDir;

use crate::reception::copy;

/// A plugin's folder with the usual layout.
pub(super) struct Project(TempDir);

impl Project {
    /// Creates a project with this component and this plugin.toml.
    pub(super) fn new(component: &[u8], toml: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("plugin.wasm"), component).expect("a file");
        fs::write(folder.path().join("plugin.toml"), format!("file = \"plugin.wasm\"\n{toml}")).expect("a file");
        Self(folder)
    }

    /// Creates the project of a bundled plugin with its own plugin.toml and cases.
    pub(super) fn bundled(name: &str) -> Self {
        let folder = root().join("plugins").join(name);
        let toml = fs::read_to_string(folder.join("plugin.toml")).expect("a file");
        let settings: Vec<&str> = toml.lines().filter(|line| !line.starts_with("file = ")).collect();
        let project = Self::new(&component(name), &settings.join("\n"));
        copy(&folder.join("cases"), &project.path().join("cases"));
        project
    }

    /// Adds a test case.
    pub(super) fn case(self, name: &str, case: &Value) -> Self {
        fs::create_dir_all(self.path().join("cases")).expect("a folder");
        fs::write(self.path().join(format!("cases/{name}.json")), case.to_string()).expect("a file");
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `frontgate plugin`, and returns whether the command succeeded and its output.
    pub(super) fn plugin(&self, arguments: &[&str]) -> (bool, String) {
        success_and_text(&run(self.path(), &[&["plugin"], arguments].concat()))
    }

    /// Runs `plugin test` and returns its JSON report.
    pub(super) fn test_report(&self, arguments: &[&str]) -> Value {
        let (_, text) = self.plugin(&[&["test", ".", "--format", "json"], arguments].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Returns whether a command succeeded, and both of its outputs.
pub(super) fn success_and_text(output: &Output) -> (bool, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.success(), text.concat())
}

/// Returns the checks with this outcome in a report, as JSON texts.
pub(super) fn checks_with(report: &Value, outcome: &str) -> Vec<String> {
    let checks = report["checks"].as_array().expect("a list").iter();
    checks.filter(|check| check["outcome"] == outcome).map(ToString::to_string).collect()
}
