//! Follows the tables with the index in memory.

use std::sync::Arc;

use frontgate_store::StoreError;
use frontgate_store::sql::Transaction;

use crate::memory::{Followed, Loading, Snapshot};
use crate::rows::read;
use crate::rows::source::{self, SourceRow};
use crate::tenant::TenantCustomers;

impl TenantCustomers {
    /// Follows the tables: loads the index at first, then applies what has changed.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be read; the index stays as it is.
    pub async fn follow(self: &Arc<Self>) -> Result<(), StoreError> {
        let _following = self.following.lock().await;
        // What has been read so far. Answers change at the end only, so that no batch is half there.
        let (mut known, mut changed, mut is_new) = (self.snapshot.load_full(), Vec::new(), false);
        loop {
            let tenant = Arc::clone(&self.tenant);
            let after = known.as_ref().map(|known| known.seq);
            let read = move |read: &Transaction<'_>| {
                let Some(source) = source::read(read, &tenant)? else { return Ok(None) };
                let rows = match after {
                    Some(after) => read::changes(read, source.id, after)?,
                    None => Vec::new(),
                };
                Ok(Some((source, rows)))
            };
            let Some((source, rows)) = self.database.read(&self.tenant, read).await? else {
                self.replace(None, &[], true);
                return Ok(());
            };
            let usable = known.filter(|known| known.source.id == source.id && known.seq >= source.floor_seq);
            let Some(usable) = usable else {
                (known, is_new) = (Some(Arc::new(self.load(source).await?)), true);
                continue;
            };
            let count = rows.len();
            if count == 0 && usable.source == source {
                if is_new || !changed.is_empty() {
                    self.replace(Some(usable), &changed, is_new);
                }
                break;
            }
            changed.extend(rows.iter().map(|row| row.n));
            let applied = self.background.spawn_blocking(move || usable.follow(source, &rows));
            known = match applied.await.map_err(|_| StoreError::Closed)? {
                Followed::Done(snapshot) => Some(Arc::new(*snapshot)),
                Followed::Lost => None,
            };
            if known.is_some() && count < read::FOLLOWED_MAX as usize {
                self.replace(known, &changed, is_new);
                break;
            }
        }
        self.merge().await
    }

    /// Merges large parts of the index, beside searches.
    async fn merge(&self) -> Result<(), StoreError> {
        while let Some(snapshot) = self.snapshot.load_full().filter(|snapshot| snapshot.index.wants_merge()) {
            let Some(plan) = snapshot.index.merge_plan() else { return Ok(()) };
            let merged = self.background.spawn_blocking(move || plan.run()).await.map_err(|_| StoreError::Closed)?;
            // Only the holder of `following` replaces the snapshot.
            let Some(index) = snapshot.index.install(&merged) else { return Ok(()) };
            self.snapshot.store(Some(Arc::new(snapshot.with_index(index))));
        }
        Ok(())
    }

    async fn load(&self, source: SourceRow) -> Result<Snapshot, StoreError> {
        let (mut loading, mut after, id) = (Loading::new(&source), 0, source.id);
        loop {
            let rows = self.database.read(&self.tenant, move |read| read::all(read, id, after)).await?;
            let count = rows.len();
            after = rows.last().map_or(after, |row| i64::from(row.n));
            let pushed = self.background.spawn_blocking(move || {
                rows.iter().for_each(|row| loading.push(row));
                loading
            });
            loading = pushed.await.map_err(|_| StoreError::Closed)?;
            if count < read::FOLLOWED_MAX as usize {
                break;
            }
        }
        self.background.spawn_blocking(move || loading.finish(source)).await.map_err(|_| StoreError::Closed)
    }

    /// Replaces the snapshot, and forgets names of changed rows, or all of them if changes are not known. Pages and
    /// addresses are few, so all of them are forgotten.
    fn replace(&self, snapshot: Option<Arc<Snapshot>>, changed: &[u32], is_new: bool) {
        self.changed.send_modify(|number| *number += 1);
        self.snapshot.store(snapshot);
        if is_new {
            self.summaries.clear();
        }
        for n in changed {
            self.summaries.remove(n);
        }
        if is_new || !changed.is_empty() {
            self.pages.clear();
            self.found.clear();
        }
    }
}
