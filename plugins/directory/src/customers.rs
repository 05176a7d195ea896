//! The customers of the file, and who may see them.

use std::collections::HashSet;
use std::rc::Rc;

use frontgate_sdk::files::Kept;
use frontgate_sdk::{Error, Result, warn};

use crate::row::Row;
use crate::search::fold;
use crate::settings::Settings;
use crate::table;

thread_local! {
    static CUSTOMERS: Kept<Customers> = const { Kept::new() };
}

/// The customers, in the order of the file.
pub(crate) struct Customers {
    rows: Vec<Row>,
    pub(crate) settings: Settings,
}

impl Customers {
    /// Those of the file as it is now.
    pub(crate) fn load() -> Result<Rc<Self>> {
        let path = Settings::path()?;
        CUSTOMERS.with(|customers| customers.get(&path, |text| Self::read(&text, Settings::read()?)))
    }

    /// Reads the file. A row without an id cannot be asked for later, and neither can the second
    /// one with the same id: both are left out.
    fn read(text: &str, settings: Settings) -> Result<Self> {
        let mut rows = table::read(&settings.customers, text)?;
        // A mistyped owner would show everything to everybody.
        if let Some(first) = rows.first()
            && let Some((key, column)) = settings.named.iter().find(|(_, column)| !first.has(column))
        {
            let problem = format!("`{}` has no column `{column}`, which the setting `{key}` names", settings.customers);
            return Err(Error::Failed(problem));
        }
        let all = rows.len();
        let mut ids = HashSet::new();
        rows.retain(|row| {
            let id = row.id(&settings);
            !id.is_empty() && ids.insert(id)
        });
        if rows.len() < all {
            warn!("{} of {all} rows are left out: they have no id, or one that came before", all - rows.len());
        }
        Ok(Self { rows, settings })
    }

    pub(crate) fn all(&self) -> &[Row] {
        &self.rows
    }

    /// Those that a worker may see, sorted by name: their own and those of nobody, or all.
    pub(crate) fn of(&self, worker: &str) -> Vec<&Row> {
        let visible = |row: &&Row| {
            let owner = row.owner(&self.settings);
            !self.settings.own_customers_only || owner.is_empty() || owner.eq_ignore_ascii_case(worker)
        };
        let mut rows: Vec<&Row> = self.rows.iter().filter(visible).collect();
        rows.sort_by_cached_key(|row| (fold(&row.name(&self.settings)), row.id(&self.settings)));
        rows
    }
}
