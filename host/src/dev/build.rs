//! Runs the author's build command.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use frontgate_config::Config;
use frontgate_contract::Role;
use frontgate_loader::single;
use frontgate_plugin_test::project::Project;
use tokio::process::Command;

/// Maximum number of output lines to show: half from the beginning, half from the end.
const LINES_MAX: usize = 40;

/// The result of a build.
#[derive(Debug)]
pub(super) struct Built {
    /// The built file.
    pub(super) file: PathBuf,
    /// The command's output, if the build failed.
    pub(super) failure: Option<Vec<String>>,
    pub(super) took: Duration,
}

/// Runs the project's `build` command in its folder, and measures the time.
pub(super) async fn build(project: &Project) -> Built {
    let began = Instant::now();
    let failure = run(project).await.err();
    Built { file: project.file.clone(), failure, took: began.elapsed() }
}

async fn run(project: &Project) -> Result<(), Vec<String>> {
    let Some((program, arguments)) = project.build.split_first() else {
        return Err(vec!["`build` is missing in plugin.toml".to_owned()]);
    };
    let program = if program.starts_with("./") { project.folder.join(program) } else { program.into() };
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(&project.folder).stdin(Stdio::null()).kill_on_drop(true);
    // Build scripts call this program through the variable.
    if let Ok(this) = std::env::current_exe() {
        command.env("FRONTGATE", this);
    }
    let output = command.output().await.map_err(|error| vec![format!("{}: {error}", program.display())])?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // Some tools print the error first, others last.
        let (head, tail) = lines.split_at(lines.len() / 2);
        let (first, last) = (&head[..head.len().min(LINES_MAX / 2)], &tail[tail.len().saturating_sub(LINES_MAX / 2)..]);
        let mut shown = first.to_vec();
        match lines.len() - first.len() - last.len() {
            0 => {}
            skipped => shown.push(format!("… {skipped} more lines")),
        }
        shown.extend_from_slice(last);
        shown.push(format!("{}: {}", project.build.join(" "), output.status));
        return Err(shown);
    }
    match project.file.is_file() {
        true => Ok(()),
        false => {
            Err(vec![format!("{} not found after the build; check `file` in plugin.toml", project.file.display())])
        }
    }
}

impl Built {
    /// Returns the roles of the built plugin; `None` if the plugin cannot be used.
    pub(super) async fn roles(&self) -> Option<Vec<Role>> {
        if self.failure.is_some() {
            return None;
        }
        let config = Config::default();
        let wasm = single::read(&self.file, &config.plugins).await.ok()?;
        let manifest = single::describe(wasm, &config.plugins).await.ok()?.manifest;
        Some(Role::ALL.into_iter().filter(|role| manifest.roles.contains(role.name())).collect())
    }

    /// Returns the size of the file in KiB.
    pub(super) fn kib(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len().div_ceil(1024))
    }
}
