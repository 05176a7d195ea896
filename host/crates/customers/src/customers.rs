//! All tenants with an index.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError, values};
use tokio::runtime::Handle;

use crate::rows::forget;
use crate::settings::Settings;
use crate::tenant::TenantCustomers;

/// The customers of all tenants with an index. The default has no tables, and therefore no tenant.
#[derive(Default)]
pub struct Customers {
    /// The tables, and threads for background work.
    database: Option<(Arc<Database>, Handle)>,
    tenants: ArcSwap<BTreeMap<Arc<str>, Arc<TenantCustomers>>>,
}

impl Customers {
    /// Creates the customers of no tenant. `background` are threads for background work.
    pub fn new(database: Arc<Database>, background: Handle) -> Self {
        Self { database: Some((database, background)), tenants: ArcSwap::default() }
    }

    /// Replaces the tenants. A tenant whose settings are as before keeps its index.
    pub fn configure<'s>(&self, settings: impl IntoIterator<Item = (&'s Arc<str>, &'s Settings)>) {
        let Some((database, background)) = &self.database else { return };
        let before = self.tenants.load_full();
        let indexed = settings.into_iter().filter(|(_, settings)| settings.index);
        let tenants = indexed.filter_map(|(tenant, settings)| {
            let kept = before.get(tenant).filter(|known| known.settings() == settings);
            let customers = match kept {
                Some(kept) => Arc::clone(kept),
                // `check` reports invalid settings before a start and a reload.
                None => Arc::new(TenantCustomers::new(tenant, settings, database, background).ok()?),
            };
            Some((Arc::clone(tenant), customers))
        });
        self.tenants.store(Arc::new(tenants.collect()));
    }

    /// Returns the customers of a tenant, if it has an index.
    pub fn of(&self, tenant: &str) -> Option<Arc<TenantCustomers>> {
        self.tenants.load().get(tenant).cloned()
    }

    /// Returns the customers of all tenants with an index.
    pub fn all(&self) -> Vec<Arc<TenantCustomers>> {
        self.tenants.load().values().cloned().collect()
    }

    /// Deletes the customers of tenants without an index.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be written.
    pub async fn delete_others(&self) -> Result<(), StoreError> {
        let Some((database, _)) = &self.database else { return Ok(()) };
        let select = "SELECT tenant FROM customer_sources";
        let stored = database.read(NO_TENANT, |read| read.rows(select, values![], |row| row.get::<String>(0)));
        let mut is_deleted = false;
        for tenant in stored.await?.into_iter().filter(|tenant| self.of(tenant).is_none()) {
            let aside = write(database, tenant, forget::set_aside).await?;
            while write(database, aside.clone(), forget::delete_all).await? {}
            is_deleted = true;
        }
        if is_deleted { database.checkpoint().await } else { Ok(()) }
    }
}

async fn write<T: Send + 'static>(
    database: &Database,
    tenant: String,
    work: fn(&Transaction<'_>, &str) -> sql::Result<T>,
) -> Result<T, StoreError> {
    let scope = Scope::Customers(tenant.as_str().into());
    let origin = Origin::progress(tenant.as_str());
    database.write(origin, scope, move |transaction| work(transaction, &tenant)).await
}
