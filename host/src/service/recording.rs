//! Runs the recorder: loads the series and the journal of the previous start, completes intervals, and stores them.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use frontgate_config::Config;
use frontgate_journal::{Journal, Limits};
use frontgate_recorder::Recorder;
use frontgate_store::now_ms;
use frontgate_system::ownership::Folder;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

/// Duration of the shortest interval of a series.
const TICK: Duration = Duration::from_secs(10);
/// Intervals between two writes: 5 minutes. A crash loses this time at most.
const TICKS_PER_WRITE: u32 = 30;
/// Name of the file, and its name while it is written.
const FILE: &str = "series";
const NEW_FILE: &str = "series.new";

/// The recorder, with the folder of its series.
pub(super) struct Recording {
    pub(super) recorder: Arc<Recorder>,
    /// Facts of requests in a file; `None` if it is off, or cannot be opened.
    pub(super) journal: Option<Arc<Journal>>,
    /// Folder of the socket, which is of this gateway alone.
    folder: PathBuf,
}

impl Recording {
    /// Creates the recorder, with series and facts of the previous start if they can be read.
    pub(super) async fn start(config: &Arc<Config>) -> anyhow::Result<Arc<Self>> {
        let opening = Arc::clone(config);
        let recording = spawn_blocking(move || Self::open(&opening)).await?;
        if let Some(journal) = &recording.journal {
            match journal.restore(&recording.recorder).await {
                Ok(records) => {
                    debug!(event = "recording.journal_loaded", records, "facts of the previous start loaded")
                }
                Err(error) => {
                    warn!(event = "recording.journal_off", "failed to read facts of the previous start: {error}");
                }
            }
        }
        Ok(recording)
    }

    fn open(config: &Config) -> Arc<Self> {
        let threads = available_parallelism().map_or(1, usize::from);
        let recorder = Arc::new(Recorder::new(&config.recording, threads, now_ms()));
        let folder = config.admin.socket.parent().unwrap_or(Path::new(".")).to_owned();
        let recording = Arc::new(Self { recorder, journal: open_journal(config), folder });
        if let Err(error) = recording.load() {
            warn!(event = "recording.series_lost", "failed to read numbers of the previous start: {error:#}");
        }
        recording
    }

    /// Completes intervals, and stores them every 5 minutes; writes facts each second. Never returns.
    pub(super) async fn run(self: Arc<Self>) {
        let recorder = Arc::clone(&self.recorder);
        match self.journal.clone() {
            Some(journal) => _ = tokio::join!(self.run_series(), journal.run(recorder)),
            None => self.run_series().await,
        }
    }

    async fn run_series(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate.
        ticks.tick().await;
        loop {
            for _ in 0..TICKS_PER_WRITE {
                ticks.tick().await;
                self.recorder.tick(now_ms());
            }
            self.store().await;
        }
    }

    /// Completes the current interval, and stores all series.
    pub(super) async fn end(self: Arc<Self>) {
        self.recorder.tick(now_ms());
        if let Some(journal) = &self.journal {
            journal.write(&self.recorder).await;
        }
        self.store().await;
    }

    fn load(&self) -> anyhow::Result<()> {
        let folder = Folder::private(&self.folder)?;
        if !folder.has(FILE) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        folder.file(FILE)?.read_to_end(&mut bytes)?;
        let series = self.recorder.series().load(&bytes, now_ms())?;
        debug!(event = "recording.series_loaded", series, "numbers of the previous start loaded");
        Ok(())
    }

    async fn store(self: &Arc<Self>) {
        let recording = Arc::clone(self);
        let stored = spawn_blocking(move || recording.write()).await;
        if let Err(error) = stored.context("task failed").flatten() {
            warn!(event = "recording.series_not_stored", "failed to store numbers over time: {error:#}");
        }
    }

    fn write(&self) -> anyhow::Result<()> {
        let folder = Folder::private(&self.folder)?;
        if folder.has(NEW_FILE) {
            folder.remove(NEW_FILE)?;
        }
        folder.create(NEW_FILE)?.write_all(&self.recorder.series().to_bytes())?;
        folder.rename(NEW_FILE, FILE)?;
        Ok(())
    }
}

/// Opens the journal. Without it, the gateway serves as usual.
fn open_journal(config: &Config) -> Option<Arc<Journal>> {
    let settings = &config.recording;
    let limits = Limits { rows_max: settings.journal_rows_max, keep_ms: settings.journal_keep_ms };
    match Journal::open(settings.journal()?, limits) {
        Ok(journal) => Some(Arc::new(journal)),
        Err(error) => {
            warn!(
                event = "recording.journal_off",
                "failed to open the journal, facts of requests are lost at a restart: {error:#}"
            );
            None
        }
    }
}
