//! Changes of the tables: by runs of the gateway, and by operators.

use std::sync::Arc;

use frontgate_contract::bindings::crm_source::{self, SourceCustomer};
use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, StoreError};

use crate::record::PreparedCustomer;
use crate::rows::apply::{self, Batch, CursorKind, Fence, Write};
use crate::rows::source::{self, SourceRow};
use crate::rows::sweep::{self, SweepEnd};
use crate::rows::{forget, read};
use crate::tenant::TenantCustomers;

impl TenantCustomers {
    /// Reads or creates the source's row. See [`source::prepare`].
    ///
    /// # Errors
    ///
    /// Fails if the row cannot be written.
    pub async fn prepare(
        self: &Arc<Self>,
        plugin: &str,
        settings: &str,
        digest: &str,
    ) -> Result<SourceRow, StoreError> {
        let (tenant, plugin, settings) = (Arc::clone(&self.tenant), plugin.to_owned(), settings.to_owned());
        let version = format!("{digest} {}", self.version);
        let prepare =
            move |transaction: &Transaction<'_>| source::prepare(transaction, &tenant, &plugin, &settings, &version);
        let row = self.write(prepare).await?;
        if !row.is_ready && self.source().is_some_and(|known| known.is_ready) {
            // What is stored may show too much from now on.
            self.follow().await?;
        }
        Ok(row)
    }

    /// Starts an enumeration. See [`source::begin_sweep`].
    ///
    /// # Errors
    ///
    /// Fails if the row cannot be written.
    pub async fn begin_sweep(&self, restart: bool) -> Result<SourceRow, StoreError> {
        let tenant = Arc::clone(&self.tenant);
        self.write(move |transaction| source::begin_sweep(transaction, &tenant, restart)).await
    }

    /// Converts a batch of the source, on a thread that may block. Customers that cannot be stored are left out.
    ///
    /// # Errors
    ///
    /// Fails if the gateway is shutting down.
    pub async fn convert(
        &self,
        kind: CursorKind,
        since: Vec<u8>,
        batch: crm_source::Batch,
        fence: Option<Fence>,
    ) -> Result<Batch, StoreError> {
        let crm_source::Batch { upserts, removals, teams, next, total, has_more: _ } = batch;
        let teams = teams.map(|teams| {
            let teams: Vec<_> = teams.into_iter().map(|team| (team.id, team.workers)).collect();
            serde_json::to_string(&teams).unwrap_or_default()
        });
        let upserts = self.prepare_customers(upserts).await?;
        let customers_max = self.settings.customers_max;
        Ok(Batch { kind, since, next, upserts, removals, teams, total, fence, customers_max })
    }

    async fn prepare_customers(&self, customers: Vec<SourceCustomer>) -> Result<Vec<PreparedCustomer>, StoreError> {
        let conversion = Arc::clone(&self.conversion);
        let converted = self.background.spawn_blocking(move || {
            customers.into_iter().filter_map(|customer| conversion.prepare(customer)).collect()
        });
        converted.await.map_err(|_| StoreError::Closed)
    }

    /// Writes a batch and its cursor, and follows.
    ///
    /// # Errors
    ///
    /// Fails if the batch cannot be written.
    pub async fn apply(self: &Arc<Self>, batch: Batch) -> Result<Write, StoreError> {
        let tenant = Arc::clone(&self.tenant);
        let is_ready = self.source().is_some_and(|source| source.is_ready);
        let written = self.write(move |transaction| apply::apply(transaction, &tenant, &batch)).await?;
        // Nothing is shown before the first enumeration has ended, and loading everything at once is faster.
        if is_ready {
            self.follow().await?;
        }
        Ok(written)
    }

    /// Returns the number of the last change that was followed. Ask for it before customers are fetched by id.
    pub fn last_change(&self) -> i64 {
        self.snapshot.load().as_ref().map_or(0, |snapshot| snapshot.seq)
    }

    /// Writes customers that were fetched by id. Those that are missing in the answer are removed. Customers that changed
    /// after `after`, while the source was asked, stay as they are.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be written.
    pub async fn apply_fetched(
        self: &Arc<Self>,
        asked: &[String],
        customers: Vec<SourceCustomer>,
        after: i64,
    ) -> Result<Write, StoreError> {
        let found = |id: &&String| customers.iter().any(|customer| customer.customer.customer_id == **id);
        let removals = asked.iter().filter(|id| !found(id)).cloned().collect();
        let upserts = self.prepare_customers(customers).await?;
        let batch = Batch {
            kind: CursorKind::Fetched { after },
            since: Vec::new(),
            next: Vec::new(),
            upserts,
            removals,
            teams: None,
            total: None,
            fence: None,
            customers_max: self.settings.customers_max,
        };
        self.apply(batch).await
    }

    /// Ends an enumeration, and removes what it did not find.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be written.
    pub async fn finish_sweep(self: &Arc<Self>, sweeping: i64, cursor: Vec<u8>) -> Result<SweepEnd, StoreError> {
        let tenant = Arc::clone(&self.tenant);
        let end = self.write(move |transaction| sweep::finish(transaction, &tenant, sweeping, &cursor)).await?;
        if let SweepEnd::Remove(1..) = end {
            self.remove_missing(false).await?;
        }
        self.follow().await?;
        Ok(end)
    }

    /// Removes the customers that the last enumeration did not find; `confirmed` by an operator.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be written.
    pub async fn remove_missing(self: &Arc<Self>, confirmed: bool) -> Result<(), StoreError> {
        let mut removed = Some(0);
        while let Some(after) = removed {
            let tenant = Arc::clone(&self.tenant);
            let remove =
                move |transaction: &Transaction<'_>| sweep::remove_missing(transaction, &tenant, after, confirmed);
            removed = self.write(remove).await?;
        }
        self.follow().await
    }

    /// Records the end of a run.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub async fn note_run(self: &Arc<Self>, failure: Option<String>) -> Result<(), StoreError> {
        let tenant = Arc::clone(&self.tenant);
        self.write(move |transaction| match &failure {
            None => source::succeeded(transaction, &tenant),
            Some(reason) => source::failed(transaction, &tenant, reason),
        })
        .await?;
        self.follow().await
    }

    /// Deletes traces of customers that were removed long ago.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be deleted.
    pub async fn prune(&self) -> Result<(), StoreError> {
        loop {
            let tenant = Arc::clone(&self.tenant);
            if !self.write(move |transaction| sweep::prune(transaction, &tenant)).await? {
                return Ok(());
            }
        }
    }

    /// Erases a customer from tables and memory, and excludes its id; returns whether the customer was stored.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be written.
    pub async fn forget(self: &Arc<Self>, id: &str) -> Result<bool, StoreError> {
        let (tenant, key) = (Arc::clone(&self.tenant), id.to_owned());
        let was_stored = self.write(move |transaction| forget::forget(transaction, &tenant, &key)).await?;
        self.follow().await?;
        let (tenant, key) = (Arc::clone(&self.tenant), id.to_owned());
        self.write(move |transaction| forget::empty_forgotten(transaction, &tenant, &key)).await?;
        self.database.checkpoint().await?;
        Ok(was_stored)
    }

    /// Allows the id of an erased customer again; returns whether it was excluded.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be written.
    pub async fn allow(&self, id: &str) -> Result<bool, StoreError> {
        let (tenant, id) = (Arc::clone(&self.tenant), id.to_owned());
        self.write(move |transaction| forget::allow(transaction, &tenant, &id)).await
    }

    /// Reads the source's row.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub(crate) async fn stored_source(&self) -> Result<Option<SourceRow>, StoreError> {
        let tenant = Arc::clone(&self.tenant);
        self.database.read(&self.tenant, move |read| source::read(read, &tenant)).await
    }

    /// Returns the number of customers with a number that cannot be understood, and the ids of some of them.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be read.
    pub async fn unknown_numbers(&self, ids_max: u32) -> Result<(i64, Vec<String>), StoreError> {
        let Some(source) = self.stored_source().await? else { return Ok((0, Vec::new())) };
        self.database.read(&self.tenant, move |read| read::unknown_numbers(read, source.id, ids_max)).await
    }

    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        let scope = Scope::Customers(Arc::clone(&self.tenant));
        self.database.write(Origin::progress(Arc::clone(&self.tenant)), scope, work).await
    }
}
