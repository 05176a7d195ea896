//! The customers of one tenant: the tables, the index in memory, and the answers from both.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwapOption;
use frontgate_contract::bindings::plugin_types::{Customer, CustomerSummary};
use frontgate_customer_search::{SortKeys, Spelling, VERSION};
use frontgate_store::Database;
use quick_cache::sync::Cache;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::addresses::Country;
use crate::ends::Ends;
use crate::memory::Snapshot;
use crate::record::Conversion;
use crate::rows::read::StoredPage;
use crate::rows::source::SourceRow;
use crate::settings::{Settings, WhenTooOld};
use crate::triggers::Triggers;

/// Rows of lists that are kept in memory with their names.
const SUMMARIES_MAX: usize = 50_000;
/// Customers' pages that are kept in memory.
const PAGES_MAX: usize = 2_000;
/// Addresses whose customers are kept in memory.
const FOUND_MAX: usize = 5_000;

/// Notifications of the CRM that the plugin handles at the same time, since anyone can send one.
const NOTIFICATIONS_MAX: usize = 4;

/// Whether the index can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It is complete and recent enough.
    Ready,
    /// It is complete, and its last successful run is too long ago.
    TooOld,
    /// The first enumeration with the current settings has not ended, or the index is not loaded yet.
    NotReady,
}

/// A customer's page, as far as this worker may see it.
#[derive(Debug, Clone)]
pub enum PageLookup {
    /// The page.
    Found {
        /// The page.
        page: Arc<StoredPage>,
        /// Time for which changes of it may be unknown, in milliseconds.
        age_ms: u64,
    },
    /// The worker may not see this customer.
    Hidden,
    /// The index has no such customer.
    Unknown,
}

/// The customers of one tenant.
pub struct TenantCustomers {
    pub(crate) tenant: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) database: Arc<Database>,
    /// Threads for background work.
    pub(crate) background: Handle,
    pub(crate) conversion: Arc<Conversion>,
    /// Settings that decide how texts, keys and numbers are made.
    pub(crate) version: String,
    pub(crate) snapshot: ArcSwapOption<Snapshot>,
    /// Held while the snapshot is replaced.
    pub(crate) following: tokio::sync::Mutex<()>,
    pub(crate) summaries: Cache<u32, Arc<CustomerSummary>>,
    pub(crate) pages: Cache<String, Arc<StoredPage>>,
    /// Customers by the addresses that were asked for.
    pub(crate) found: Cache<String, Arc<Customer>>,
    pub(crate) ends: Ends,
    /// Changes with every new snapshot.
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) triggers: Triggers,
    pub(crate) answers: Answers,
    notifications: Semaphore,
}

/// Counts of answers.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) ambiguous: AtomicU64,
}

impl TenantCustomers {
    /// Creates the customers of a tenant. Nothing is read before [`TenantCustomers::follow`].
    ///
    /// # Errors
    ///
    /// Fails with the setting that is invalid.
    pub fn new(
        tenant: &Arc<str>,
        settings: &Settings,
        database: &Arc<Database>,
        background: &Handle,
    ) -> Result<Self, String> {
        let locale = settings.locale.as_deref().unwrap_or("und");
        let keys = SortKeys::new(locale).map_err(|error| error.to_string())?;
        let country = match settings.country.as_deref() {
            None => Country::default(),
            Some(code) => Country::named(code).ok_or_else(|| format!("unknown country `{code}`"))?,
        };
        let conversion = Conversion { keys, spelling: Spelling::of_locale(locale), country };
        let country = settings.country.as_deref().unwrap_or("-");
        Ok(Self {
            tenant: Arc::clone(tenant),
            version: format!("{VERSION} {locale} {country}"),
            settings: settings.clone(),
            database: Arc::clone(database),
            background: background.clone(),
            conversion: Arc::new(conversion),
            snapshot: ArcSwapOption::empty(),
            following: tokio::sync::Mutex::default(),
            summaries: Cache::new(SUMMARIES_MAX),
            pages: Cache::new(PAGES_MAX),
            found: Cache::new(FOUND_MAX),
            ends: Ends::default(),
            changed: watch::Sender::new(0),
            triggers: Triggers::default(),
            answers: Answers::default(),
            notifications: Semaphore::new(NOTIFICATIONS_MAX),
        })
    }

    /// Returns the permits of notifications that the plugin handles at the same time.
    pub fn notification_permits(&self) -> &Semaphore {
        &self.notifications
    }

    /// Returns the tenant's name.
    pub fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }

    /// Returns `[tenants.NAME.customers]`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the source as of the last change that was followed.
    pub fn source(&self) -> Option<SourceRow> {
        self.snapshot.load().as_ref().map(|snapshot| snapshot.source.clone())
    }

    /// Returns the number of customers in memory, and the bytes that they take.
    pub fn size(&self) -> (usize, usize) {
        let snapshot = self.snapshot.load();
        snapshot.as_ref().map_or((0, 0), |snapshot| (snapshot.index.len(), snapshot.index.memory_bytes()))
    }

    /// Returns a receiver that changes with every followed change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Returns whether the index can answer.
    pub fn readiness(&self) -> Readiness {
        let snapshot = self.snapshot.load();
        let Some(source) = snapshot.as_ref().map(|snapshot| &snapshot.source).filter(|source| source.is_ready) else {
            return Readiness::NotReady;
        };
        let age = source.synced_ms.map_or(u64::MAX, |synced| self.age_ms(synced));
        if age > self.settings.too_old_ms { Readiness::TooOld } else { Readiness::Ready }
    }

    /// Returns whether an index that is too old answers where no plugin does.
    pub fn serves_too_old(&self) -> bool {
        self.settings.when_too_old == WhenTooOld::Serve
    }

    /// Returns the time since a time of the database, in milliseconds.
    pub fn age_ms(&self, time_ms: i64) -> u64 {
        u64::try_from(self.database.now_ms().saturating_sub(time_ms)).unwrap_or_default()
    }
}
