//! Runs a test case with the tools for authors, before it is offered.

use frontgate_contract::digest::Digest;

use super::Console;

#[cfg(feature = "authoring")]
mod authoring {
    use std::path::Path;
    use std::process::Stdio;
    use std::time::Duration;

    use serde_json::Value;
    use tokio::process::Command;
    use tokio::time::timeout;

    /// Time limit of a run, which compiles the plugin if it is not compiled yet.
    const RUN_TIMEOUT: Duration = Duration::from_secs(60);

    /// Runs one case of a plugin in a process of its own. Returns the differences, or `None` if it cannot be run.
    pub(super) async fn run(config: &Path, plugin: &str, wasm: Vec<u8>, stem: &str, case: &str) -> Option<Vec<String>> {
        let folder = frontgate_plugin_test::temp_dir().ok()?;
        let file = folder.path().join(format!("{plugin}.wasm"));
        tokio::fs::create_dir(folder.path().join("cases")).await.ok()?;
        tokio::fs::write(&file, wasm).await.ok()?;
        tokio::fs::write(folder.path().join(format!("cases/{stem}.json")), case).await.ok()?;
        let mut command = Command::new(std::env::current_exe().ok()?);
        command.args(["plugin", "test", "--format", "json", "--no-conformance", "--case", stem]).arg(&file);
        command.arg("--config").arg(config).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = timeout(RUN_TIMEOUT, command.output()).await.ok()?.ok()?;
        let report: Value = serde_json::from_slice(&output.stdout).ok()?;
        let checks = report["checks"].as_array()?.iter().find(|check| check["group"] == "cases")?;
        let why = checks["why"].as_array().into_iter().flatten();
        Some(why.filter_map(|problem| problem.as_str().map(str::to_owned)).collect())
    }
}

impl Console {
    /// Runs a case of a live plugin. Returns the differences, masked; `None` if the case cannot be run here.
    #[cfg(feature = "authoring")]
    pub(super) async fn run_case(&self, plugin: &str, digest: Digest, stem: &str, case: &str) -> Option<Vec<String>> {
        let _permit = self.dry_runs.acquire().await.ok()?;
        let config = self.sources.generations.config();
        let wasm = self.sources.candidates.read(&config, plugin, digest).await.ok()?;
        let problems = authoring::run(self.sources.candidates.config_file(), plugin, wasm.to_vec(), stem, case).await?;
        Some(problems.iter().map(|problem| frontgate_console_pages::mask_text(problem)).collect())
    }

    /// Returns `None`, since this program has no commands for authors.
    #[cfg(not(feature = "authoring"))]
    #[expect(clippy::unused_async, reason = "the same as with the commands for authors")]
    pub(super) async fn run_case(&self, _: &str, _: Digest, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }
}
