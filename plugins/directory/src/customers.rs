//! Customers from the file, and the rules for which customers a worker may see.

use std::collections::HashSet;
use std::rc::Rc;

use frontgate_sdk::files::Cached;
use frontgate_sdk::{Error, Result, warn};

use crate::row::Row;
use crate::search::fold;
use crate::settings::Settings;
use crate::table;

thread_local! {
    static CUSTOMERS: Cached<Customers> = const { Cached::new() };
}

/// The customers in file order.
pub(crate) struct Customers {
    rows: Vec<Row>,
    pub(crate) settings: Settings,
}

impl Customers {
    /// Reads the file's current customers.
    pub(crate) fn load() -> Result<Rc<Self>> {
        let path = Settings::path()?;
        CUSTOMERS.with(|customers| customers.get(&path, |text| Self::read(&text, Settings::read()?)))
    }

    /// Parses the file. Omits rows without an id and rows with a duplicate id, because no request could select them.
    fn read(text: &str, settings: Settings) -> Result<Self> {
        let mut rows = table::read(&settings.customers, text)?;
        if let Some(first) = rows.first() {
            check(first, &settings)?;
        }
        let all = rows.len();
        let mut ids = HashSet::new();
        rows.retain(|row| {
            let id = row.id(&settings);
            !id.is_empty() && ids.insert(id)
        });
        if rows.len() < all {
            warn!("omitted {} of {all} rows: no id, or a duplicate id", all - rows.len());
        }
        Ok(Self { rows, settings })
    }

    pub(crate) fn all(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the customers that a worker may see, sorted by name: all, or the worker's own and unassigned ones.
    pub(crate) fn of(&self, worker: &str) -> Vec<&Row> {
        let worker = worker.to_lowercase();
        let visible = |row: &&Row| row.only_for(&self.settings).is_none_or(|owner| owner.to_lowercase() == worker);
        let mut rows: Vec<&Row> = self.rows.iter().filter(visible).collect();
        rows.sort_by_cached_key(|row| (fold(&row.name(&self.settings)), row.id(&self.settings)));
        rows
    }
}

/// Rejects a file without a column that the operator named: a mistyped one would show all customers to every worker.
pub(crate) fn check(first: &Row, settings: &Settings) -> Result<()> {
    match settings.named.iter().find(|(_, column)| !first.has(column)) {
        None => Ok(()),
        Some((key, column)) => {
            let problem = format!("`{}` has no column `{column}`, which the setting `{key}` names", settings.customers);
            Err(Error::Failed(problem))
        }
    }
}
