//! `frontgate dev`: a plugin under its author's hands. It is built on each save, takes the old one's place in a
//! gateway, and is asked again what it was asked last.
//!
//! In reading order: the [`stand`] is a gateway that is made for one plugin, the [`tap`] stands before it and
//! remembers the last callback, [`changes`] are noticed, a [`build`] makes the file, and the [`screen`] shows one
//! round of it all.

mod build;
mod changes;
mod keys;
mod screen;
mod stand;
mod tap;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use frontgate_contract::Role;
use frontgate_plugin_test::bench::{Bench, Outside};
use frontgate_plugin_test::cases;
use frontgate_plugin_test::project::Project;
use frontgate_plugin_test::suite::Outcome;
use frontgate_telemetry::capture::Lines;
use serde_json::Value;

use self::build::Built;
use self::changes::{Changes, Kind};
use self::keys::{Key, Keys};
use self::screen::{Round, Screen};
use self::stand::Stand;
use self::tap::{Heard, Tap};

/// What the author wants.
#[derive(Debug)]
pub struct Options {
    /// The folder of `plugin.toml`.
    pub folder: PathBuf,
    /// The configuration of a gateway that runs; without one, a gateway is made.
    pub config: Option<PathBuf>,
    /// Where callbacks are accepted.
    pub listen: Option<SocketAddr>,
    /// Which case is asked, instead of the last callback.
    pub case: Option<String>,
}

/// What is asked after each build.
#[derive(Debug, Clone)]
enum Question {
    /// A file in `cases/`.
    Case(String),
    /// What came last.
    Callback,
}

/// Builds, swaps and asks until the author ends it, or the gateway ends.
pub async fn develop(options: Options, lines: Lines) -> anyhow::Result<()> {
    let folder = options.folder.canonicalize().with_context(|| format!("looking at {}", options.folder.display()))?;
    let project = Project::find(&folder)?;
    ensure!(!project.build.is_empty(), "{} does not say how to build: build = [\"./build.sh\"]", folder.display());
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
    let stand = Stand::open(&folder, &project, &options, &roles).await?;
    screen.listens(stand.listen, &stand.config);
    let question = options.case.map_or(Question::Callback, Question::Case);
    let studio = Studio { folder, stand, question, lines, screen };
    studio.work(project, changes, keys, built, &roles).await
}

/// All that stays while plugins come and go.
struct Studio {
    folder: PathBuf,
    stand: Stand,
    question: Question,
    lines: Lines,
    screen: Screen,
}

impl Studio {
    async fn work(
        mut self,
        mut project: Project,
        mut changes: Changes,
        mut keys: Keys,
        built: Built,
        roles: &[Role],
    ) -> anyhow::Result<()> {
        let mut round = self.swap(&project, built).await;
        match self.first_callback(roles).await {
            Some(heard) => self.tell(&mut round, &heard).await,
            None => self.ask(&mut round).await,
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
                    self.ask(&mut round).await;
                    self.screen.show(&round);
                }
                key = keys.next() => {
                    match key {
                        Some(Key::Quit) => return self.stand.close().await,
                        Some(Key::Again) => {}
                        Some(Key::Case(name)) => self.question = Question::Case(name),
                        Some(Key::Callback) => self.question = Question::Callback,
                        None => {
                            keys = Keys::none();
                            continue;
                        }
                    }
                    let mut round = Round::default();
                    self.ask(&mut round).await;
                    self.screen.show(&round);
                }
                heard = self.stand.tap.next() => {
                    self.question = Question::Callback;
                    let mut round = Round::default();
                    self.tell(&mut round, &heard).await;
                    self.screen.show(&round);
                }
                ended = Stand::ended(&mut self.stand.made) => return ended,
            }
        }
    }

    /// Puts what was built into the gateway.
    async fn swap(&self, project: &Project, built: Built) -> Round {
        let mut round = Round::of_build(&built);
        let Some(roles) = built.roles().await else { return round };
        self.screen.taking(&built);
        match self.stand.swap(project, &roles).await {
            Ok(receipts) => round.swapped = receipts,
            Err(error) => round.fault = Some(format!("{error:#}")),
        }
        round
    }

    /// Asks what is to be asked.
    async fn ask(&mut self, round: &mut Round) {
        if round.fault.is_some() {
            return;
        }
        match self.question.clone() {
            Question::Case(name) => {
                if let Err(error) = self.run_case(round, &name).await {
                    round.fault = Some(format!("{error:#}"));
                }
            }
            Question::Callback => {
                match self.stand.tap.last() {
                    Some(last) if last.is_asked_once() => {
                        round.hint = Some(format!(
                            "{} is remembered by the gateway and not asked twice; send another one, or type a case's name",
                            last.title()
                        ));
                    }
                    Some(last) => {
                        let heard = self.stand.tap.again(&last).await;
                        self.tell(round, &heard).await;
                    }
                    None => round.hint = Some(
                        "no callback yet; send one (`frontgate send twilio` or `send front`), or type a case's name"
                            .to_owned(),
                    ),
                }
            }
        }
    }

    async fn tell(&self, round: &mut Round, heard: &Heard) {
        round.asked = Some(format!("{} → {} in {} ms", heard.title(), heard.status, heard.took.as_millis()));
        round.answer = Some(heard.answer.clone());
        for line in self.lines.take(&heard.request_id) {
            round.note(line);
        }
        for line in self.lines.take_rest() {
            round.note(line);
        }
        if self.stand.made.is_none() {
            round.hint = Some(format!("log and receipt are in the gateway's own log, as request {}", heard.request_id));
        }
    }

    async fn run_case(&self, round: &mut Round, name: &str) -> anyhow::Result<()> {
        let bench = Bench::open(&self.folder, Path::new(""), Outside::Staged, &self.lines).await?;
        let mut all = cases::check(&bench, Some(name)).await?;
        let checked = all.pop().context("the case has gone")?;
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

    /// What a platform would send first, so that there is something to look at.
    async fn first_callback(&self, roles: &[Role]) -> Option<Heard> {
        /// A gateway that is just there answers within this.
        const PATIENCE: Duration = Duration::from_secs(10);
        let example = roles.iter().find_map(|role| match role {
            Role::Crm => Some("crm"),
            Role::Templates => Some("templates"),
            Role::Outgoing => Some("outgoing-conversation"),
            Role::Conversations => Some("conversations"),
            Role::Routing | Role::Channel => None,
        });
        let (Question::Callback, Some(example)) = (&self.question, example) else { return None };
        let heard = async {
            self.stand.send(example).await.ok()?;
            Some(self.stand.tap.next().await)
        };
        tokio::time::timeout(PATIENCE, heard).await.ok().flatten()
    }
}

/// JSON as it is read best; other texts as they are.
fn readable(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}
