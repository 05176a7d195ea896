//! `frontgate dev`: rebuilds a plugin on each save, reloads it in a gateway, and repeats the last call.
//!
//! - [`changes`] watches the project's files, and [`build`] runs the author's build command.
//! - [`dev_gateway`] is the gateway that loads the plugin. [`recording_proxy`] forwards callbacks to the gateway and
//!   records the last one.
//! - [`screen`] shows the result of each round, and [`keys`] reads the author's input.

mod build;
mod changes;
mod dev_gateway;
mod keys;
mod recording_proxy;
mod screen;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use frontgate_contract::Role;
use frontgate_plugin_test::check_result::Outcome;
use frontgate_plugin_test::{Harness, Network, Project, cases};
use frontgate_telemetry::capture::Lines;
use serde_json::Value;

use self::build::Built;
use self::changes::{Changes, Kind};
use self::dev_gateway::DevGateway;
use self::keys::{Key, Keys};
use self::recording_proxy::Recorded;
use self::screen::{Round, Screen};

/// Arguments of the command.
#[derive(Debug)]
pub(crate) struct Options {
    /// The folder of `plugin.toml`.
    pub(crate) folder: PathBuf,
    /// Configuration of a running gateway. Without one, the command starts a gateway.
    pub(crate) config: Option<PathBuf>,
    /// The address that accepts callbacks.
    pub(crate) listen: Option<SocketAddr>,
    /// The case to run after each build, instead of the last callback.
    pub(crate) case: Option<String>,
}

/// The call that is repeated after each build.
#[derive(Debug, Clone)]
enum Target {
    /// A file in `cases/`.
    Case(String),
    /// The last callback that the proxy recorded.
    LastCallback,
}

/// Runs until the author quits or the gateway ends.
pub(crate) async fn develop(options: Options, lines: Lines) -> anyhow::Result<()> {
    let folder =
        options.folder.canonicalize().with_context(|| format!("failed to open {}", options.folder.display()))?;
    let project = Project::find(&folder)?;
    ensure!(
        !project.build.is_empty(),
        "{}: `build` is missing in plugin.toml; add build = [\"./build.sh\"]",
        folder.display()
    );
    let mut changes = Changes::watch(&project);
    let (mut keys, mut screen) = (Keys::read(), Screen::new(&project)?);
    screen.building();
    let mut built = build::build(&project).await;
    let roles = loop {
        match built.roles().await {
            Some(roles) => break roles,
            None => screen.show(&Round::of_build(&built)),
        }
        tokio::select! {
            _ = changes.next() => {}
            key = keys.next() => if matches!(key, Some(Key::Quit)) { return Ok(()) },
        }
        screen.building();
        built = build::build(&project).await;
    };
    let gateway = DevGateway::open(&folder, &project, &options, &roles).await?;
    screen.listens(gateway.listen, &gateway.config);
    let target = options.case.map_or(Target::LastCallback, Target::Case);
    let session = Session { folder, gateway, target, lines, screen };
    session.run(project, changes, keys, built, &roles).await
}

/// State that is kept across builds.
struct Session {
    folder: PathBuf,
    gateway: DevGateway,
    target: Target,
    lines: Lines,
    screen: Screen,
}

impl Session {
    async fn run(
        mut self,
        mut project: Project,
        mut changes: Changes,
        mut keys: Keys,
        built: Built,
        roles: &[Role],
    ) -> anyhow::Result<()> {
        let mut round = self.swap(&project, built).await;
        match self.first_callback(roles).await {
            Some(recorded) => self.show_callback(&mut round, &recorded),
            None => self.repeat(&mut round).await,
        }
        self.screen.show(&round);
        loop {
            tokio::select! {
                kind = changes.next() => {
                    match Project::find(&self.folder) {
                        Ok(read) => project = read,
                        Err(error) => {
                            self.screen.show(&Round::fault(format!("{error:#}")));
                            continue;
                        }
                    }
                    let mut round = match kind {
                        Kind::Sources => {
                            self.screen.building();
                            let built = build::build(&project).await;
                            self.swap(&project, built).await
                        }
                        Kind::Cases => Round::default(),
                    };
                    self.repeat(&mut round).await;
                    self.screen.show(&round);
                }
                key = keys.next() => {
                    match key {
                        Some(Key::Quit) => return self.gateway.close().await,
                        Some(Key::Repeat) => {}
                        Some(Key::Case(name)) => self.target = Target::Case(name),
                        Some(Key::Callback) => self.target = Target::LastCallback,
                        None => {
                            keys = Keys::closed();
                            continue;
                        }
                    }
                    let mut round = Round::default();
                    self.repeat(&mut round).await;
                    self.screen.show(&round);
                }
                recorded = self.gateway.proxy.next() => {
                    self.target = Target::LastCallback;
                    let mut round = Round::default();
                    self.show_callback(&mut round, &recorded);
                    self.screen.show(&round);
                }
                ended = DevGateway::ended(&mut self.gateway.ephemeral) => return ended,
            }
        }
    }

    /// Loads the new build into the gateway.
    async fn swap(&self, project: &Project, built: Built) -> Round {
        let mut round = Round::of_build(&built);
        let Some(roles) = built.roles().await else { return round };
        self.screen.loading(&built);
        match self.gateway.swap(project, &roles).await {
            Ok(receipts) => round.swapped = receipts,
            Err(error) => round.fault = Some(format!("{error:#}")),
        }
        round
    }

    /// Repeats the target, unless an earlier step of the round failed.
    async fn repeat(&mut self, round: &mut Round) {
        if round.fault.is_some() {
            return;
        }
        match self.target.clone() {
            Target::Case(name) => {
                if let Err(error) = self.run_case(round, &name).await {
                    round.fault = Some(format!("{error:#}"));
                }
            }
            Target::LastCallback => match self.gateway.proxy.last() {
                Some(last) if last.is_deduplicated() => {
                    round.hint = Some(format!(
                        "the gateway discards a repeated {}; send a new one, or type the name of a case",
                        last.title()
                    ));
                }
                Some(last) => {
                    let recorded = self.gateway.proxy.repeat(&last).await;
                    self.show_callback(round, &recorded);
                }
                None => round.hint = Some(
                    "no callback yet; send one (`frontgate send twilio` or `send front`), or type the name of a case"
                        .to_owned(),
                ),
            },
        }
    }

    fn show_callback(&self, round: &mut Round, recorded: &Recorded) {
        round.asked = Some(format!("{} → {} in {} ms", recorded.title(), recorded.status, recorded.took.as_millis()));
        round.answer = Some(recorded.answer.clone());
        for line in self.lines.take(&recorded.request_id) {
            round.note(line);
        }
        for line in self.lines.take_rest() {
            round.note(line);
        }
        if self.gateway.ephemeral.is_none() {
            round.hint = Some(format!("see the gateway's log for details, as request {}", recorded.request_id));
        }
    }

    async fn run_case(&self, round: &mut Round, name: &str) -> anyhow::Result<()> {
        let harness = Harness::open(&self.folder, Path::new(""), Network::Mocked, &self.lines).await?;
        let mut all = cases::check(&harness, Some(name)).await?;
        let checked = all.pop().context("case not found")?;
        let verdict = match &checked.outcome {
            Outcome::Passed => "✓",
            _ => "✗",
        };
        round.asked = Some(format!("{verdict} case {} in {} ms", checked.name, checked.took.as_millis()));
        if let Outcome::Failed(why) = checked.outcome {
            round.problems = why;
        }
        round.answer = checked.answer;
        round.receipts = checked.receipts.iter().map(ToString::to_string).collect();
        round.log = checked.log;
        Ok(())
    }

    /// Sends an example callback, so that the first round has an answer to show. Returns the recorded callback.
    async fn first_callback(&self, roles: &[Role]) -> Option<Recorded> {
        const TIMEOUT: Duration = Duration::from_secs(10);
        let example = roles.iter().find_map(|role| match role {
            Role::Crm => Some("crm"),
            Role::Templates => Some("templates"),
            Role::Outgoing => Some("outgoing-conversation"),
            Role::Conversations => Some("conversations"),
            Role::Routing | Role::Channel | Role::ChannelLogin | Role::Calls | Role::CrmSource => None,
        });
        let (Target::LastCallback, Some(example)) = (&self.target, example) else { return None };
        let recorded = async {
            self.gateway.send(example).await.ok()?;
            Some(self.gateway.proxy.next().await)
        };
        tokio::time::timeout(TIMEOUT, recorded).await.ok().flatten()
    }
}

/// Converts bytes to JSON, or to a JSON string if they are not JSON.
fn readable(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}
