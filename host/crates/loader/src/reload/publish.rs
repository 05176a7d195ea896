//! Writes receipts and records to disk, then publishes them to `/statusz`, the log, and waiting commands.

use std::path::Path;
use std::time::{Duration, SystemTime};

use frontgate_contract::digest::Digest;
use frontgate_runtime::receipt::{Changes, Ids, Outcome, Receipt, millis};
use frontgate_telemetry::metrics::{METRICS, labels};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::Reload;
use super::command::Answer;
use crate::records::history::History;
use crate::records::{Access, PendingWrite};

/// Receipts that are not published yet, and the file that they are written to.
pub(super) struct Publisher {
    history: Option<History>,
    ids: Ids,
    written: Vec<Receipt>,
}

impl Publisher {
    pub(super) fn new(folder: &Path, access: Access, receipts_max: usize) -> anyhow::Result<Self> {
        if access == Access::Read {
            return Ok(Self::without_file());
        }
        let (history, last) = History::open(folder, receipts_max)?;
        let ids = last.map_or_else(Ids::default, |last| Ids::after(&last.id));
        Ok(Self { history: Some(history), ids, written: Vec::new() })
    }

    /// Creates a publisher whose receipts are stored in the database.
    pub(super) fn without_file() -> Self {
        Self { history: None, ids: Ids::default(), written: Vec::new() }
    }

    /// Adds a receipt, which the next [`Reload::publish`] writes.
    pub(super) fn add(&mut self, name: &str, outcome: Outcome, fields: ReceiptFields) {
        let now = SystemTime::now();
        self.written.push(Receipt {
            id: self.ids.next(now),
            time_ms: millis(now),
            plugin: name.to_owned(),
            outcome,
            digest: fields.digest,
            before: fields.before,
            after: fields.after,
            changes: fields.changes,
            duration_ms: u64::try_from(fields.took.as_millis()).unwrap_or(u64::MAX),
        });
    }
}

/// The fields of a receipt other than name and outcome.
#[derive(Default)]
pub(super) struct ReceiptFields {
    pub(super) digest: Option<Digest>,
    pub(super) before: Option<Digest>,
    pub(super) after: Option<Digest>,
    pub(super) changes: Changes,
    pub(super) took: Duration,
}

impl Reload {
    /// Writes new receipts and changed records, then publishes them.
    pub(super) async fn publish(&mut self) {
        let receipts = std::mem::take(&mut self.publisher.written);
        let pending = self.records.take_pending();
        if receipts.is_empty() && pending.is_none() {
            return;
        }
        let stored = self.store_receipts(&receipts).await;
        let mut history = self.publisher.history.take();
        let records_changed = pending.is_some();
        let written = spawn_blocking(move || {
            let records = pending.as_ref().map_or(Ok(()), PendingWrite::write);
            let new = pending.map(|pending| pending.new).unwrap_or_default();
            let noted = history.as_mut().map_or(Ok(()), |history| history.add(&receipts));
            (history, receipts, records, noted, new)
        });
        let Ok((history, receipts, records, noted, new)) = written.await else {
            warn!(
                event = "plugin.records_not_saved",
                "failed to persist plugin records: the writing task panicked; decisions are lost at restart"
            );
            return;
        };
        if records_changed {
            self.records.finish_write(records.is_ok(), new);
        }
        let result = records.and(noted).and(stored);
        self.publisher.history = history;
        if let Err(error) = result {
            warn!(
                event = "plugin.records_not_saved",
                "failed to persist plugin records; they will be lost at restart: {error:#}"
            );
        }
        self.registry.set_versions(self.records.versions());
        for receipt in receipts {
            // The receipt is published before it is logged: a reader of the log line must find it.
            self.registry.note(receipt.clone());
            log_receipt(&receipt);
            self.waiting.iter_mut().for_each(|waiting| waiting.receipts.push(receipt.clone()));
        }
    }

    /// Answers waiting commands if every file was attempted.
    pub(super) fn answer_waiting(&mut self, nothing_changes: bool) {
        if self.waiting.is_empty() || !nothing_changes || !self.running.is_empty() {
            return;
        }
        let there =
            |receipt: &&Receipt| self.attempted.contains_key(&receipt.plugin) && receipt.outcome.reason().is_some();
        let standing: Vec<Receipt> = self.registry.receipts().values().filter(there).cloned().collect();
        for waiting in std::mem::take(&mut self.waiting) {
            let _ = waiting.answer.send(Ok(Answer { receipts: waiting.receipts, standing: standing.clone() }));
        }
    }

    /// Fails waiting commands.
    pub(super) fn fail_waiting(&mut self, reason: &str) {
        for waiting in std::mem::take(&mut self.waiting) {
            let _ = waiting.answer.send(Err(reason.to_owned()));
        }
    }
}

fn log_receipt(receipt: &Receipt) {
    METRICS.plugin_reloads.get_or_create(&labels::Outcome { outcome: receipt.outcome.name() }).inc();
    let (name, id, changes) = (&*receipt.plugin, &*receipt.id, &receipt.changes);
    let digest = receipt.digest.map(|digest| digest.short()).unwrap_or_default();
    match &receipt.outcome {
        Outcome::Live => {
            info!(event = "plugin.live", plugin = name, digest, receipt = id, %changes, "plugin `{name}` is live")
        }
        Outcome::Removed => {
            warn!(event = "plugin.removed", plugin = name, receipt = id, "plugin `{name}` removed")
        }
        Outcome::Kept(reason) => {
            warn!(
                event = "plugin.kept",
                plugin = name,
                digest,
                receipt = id,
                "new file of plugin `{name}` rejected: {reason}; the previous version stays live"
            );
        }
        Outcome::Refused(reason) => {
            warn!(event = "plugin.refused", plugin = name, digest, receipt = id, "plugin `{name}` rejected: {reason}");
        }
        Outcome::Waiting(reason) => {
            warn!(
                event = "plugin.waiting",
                plugin = name,
                digest,
                receipt = id,
                "new file of plugin `{name}` waits for approval: {reason}"
            );
        }
        Outcome::RolledBack(reason) => {
            let after = receipt.after.map(|digest| digest.short()).unwrap_or_default();
            warn!(
                event = "plugin.rolled_back",
                plugin = name,
                digest,
                after,
                receipt = id,
                "plugin `{name}` rolled back: {reason}"
            );
        }
        Outcome::Allowed => {
            info!(event = "plugin.allowed", plugin = name, digest, receipt = id, "version of plugin `{name}` allowed")
        }
    }
}
