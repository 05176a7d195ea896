//! Customers for the gateway's index. Each call reads only its own part of the file.

use std::collections::HashSet;
use std::fs::File;
use std::{fs, io};

use frontgate_sdk::{Batch, ChangeAnswer, Error, Result, SourceCustomer, SourceFacts, warn};

use crate::cursor::{Cursor, FileVersion};
use crate::duplicates;
use crate::row::Row;
use crate::settings::Settings;
use crate::table::Rows;

/// Most customers of a batch.
const BATCH_CUSTOMERS_MAX: u32 = 1_000;
/// Size of a batch in bytes after which no further customer is added: half of the default `answer_bytes_max`.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Size of a customer in bytes. A larger one loses details and links.
const CUSTOMER_BYTES_MAX: usize = 64 * 1024;
/// Estimated size in bytes of a text beside its characters.
const TEXT_BYTES: usize = 16;

/// Returns what the source can do. A changed file expires the cursor, and the enumeration that follows finds removed
/// customers and changed owners.
pub(crate) fn facts() -> SourceFacts {
    let facts = SourceFacts::new(BATCH_CUSTOMERS_MAX).incremental().reports_removals().reports_visibility();
    facts.requests_per_call(0)
}

/// Returns the next customers of the file, or nothing if the whole file was reported and did not change.
pub(crate) fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
    let settings = Settings::read()?;
    let version = version(&settings)?;
    let (offset, duplicates) = match since.as_deref().map(Cursor::read) {
        None => (0, None),
        Some(Some(Cursor { file, offset, duplicates, .. })) if file == version => match offset {
            Some(offset) => (offset, duplicates),
            None => return Ok(Batch::new(Cursor::end(file)).into()),
        },
        Some(_) => return Ok(ChangeAnswer::CursorExpired),
    };
    let file = open(&settings)?;
    let duplicates = match duplicates {
        Some(duplicates) => duplicates,
        None => duplicates::ends(&file, &settings)?,
    };
    let limit = limit.clamp(1, BATCH_CUSTOMERS_MAX) as usize;
    let mut rows = Rows::open(&settings.customers, &file, offset)?;
    let mut batch = Customers::default();
    let mut has_more = true;
    while has_more && batch.all.len() < limit && batch.bytes < BATCH_BYTES_MAX {
        match rows.next().transpose()? {
            Some(_) if duplicates.binary_search(&rows.offset()).is_ok() => batch.omit(),
            Some(row) => batch.add(&row, &settings),
            None => has_more = false,
        }
    }
    // A half-written file must not count as a whole one.
    if !is_unchanged(&file, version) {
        // Without a cursor, there is none to expire.
        return if since.is_some() { Ok(ChangeAnswer::CursorExpired) } else { Err(changing()) };
    }
    let next = if has_more { Cursor::after(version, rows.offset(), duplicates) } else { Cursor::end(version) };
    Ok(batch.finish(next, has_more))
}

/// Returns the customers with these ids. Reads the file up to the last one of them, the whole file if one is missing.
pub(crate) fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
    let settings = Settings::read()?;
    let version = version(&settings)?;
    let file = open(&settings)?;
    let mut missing: HashSet<String> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    duplicates::check(&file, &settings)?;
    let mut rows = Rows::open(&settings.customers, &file, 0)?;
    let mut found = Customers::default();
    while !missing.is_empty()
        && let Some(row) = rows.next_where(|row| row.has_id(&missing, &settings))
    {
        let row = row?;
        missing.remove(&row.id(&settings));
        found.add(&row, &settings);
    }
    match is_unchanged(&file, version) {
        true => Ok(found.all),
        false => Err(changing()),
    }
}

/// Returns the version of the file, without opening it.
fn version(settings: &Settings) -> Result<FileVersion> {
    fs::metadata(&settings.customers).map(FileVersion::from).map_err(|error| unreadable(settings, &error))
}

fn open(settings: &Settings) -> Result<File> {
    File::open(&settings.customers).map_err(|error| unreadable(settings, &error))
}

fn unreadable(settings: &Settings, error: &io::Error) -> Error {
    let hint = "set `files` of this plugin to the folder that contains it";
    Error::unavailable(format!("failed to read `{}`: {error} ({hint})", settings.customers))
}

/// Returns whether the opened file is still the one that the call began with.
fn is_unchanged(file: &File, version: FileVersion) -> bool {
    file.metadata().is_ok_and(|found| FileVersion::from(found) == version)
}

fn changing() -> Error {
    Error::unavailable("the file changed while it was read")
}

/// The customers of a batch, and what was left out.
#[derive(Default)]
struct Customers {
    all: Vec<SourceCustomer>,
    bytes: usize,
    rows: usize,
    omitted: usize,
    shortened: usize,
}

impl Customers {
    fn add(&mut self, row: &Row, settings: &Settings) {
        let mut customer = row.source_customer(settings);
        if size(&customer) > CUSTOMER_BYTES_MAX {
            customer.customer.details = None;
            customer.customer.links.clear();
            self.shortened += 1;
        }
        let bytes = size(&customer);
        if customer.customer.customer_id.is_empty() || bytes > CUSTOMER_BYTES_MAX {
            return self.omit();
        }
        self.rows += 1;
        self.bytes += bytes;
        self.all.push(customer);
    }

    fn omit(&mut self) {
        self.rows += 1;
        self.omitted += 1;
    }

    fn finish(self, next: Cursor, has_more: bool) -> ChangeAnswer {
        if self.omitted > 0 {
            warn!("omitted {} of {} rows: no id, a duplicate id, or too large", self.omitted, self.rows);
        }
        if self.shortened > 0 {
            warn!("omitted links and details of {} customers, which are too large", self.shortened);
        }
        Batch::new(next).upserts(self.all).has_more(has_more).into()
    }
}

/// Returns the approximate size of a customer in bytes.
fn size(customer: &SourceCustomer) -> usize {
    let SourceCustomer { customer, company, emails, numbers, .. } = customer;
    let channels = customer.channels.iter().flat_map(|channel| [&channel.kind, &channel.value]);
    let links = customer.links.iter().flat_map(|link| [&link.kind, &link.value, &link.display_name]);
    let details = customer.details.iter().flat_map(|details| [&details.title, &details.content]);
    let own = [&customer.customer_id, &customer.display_name].into_iter().chain(&customer.avatar).chain(company);
    let texts = own.chain(channels).chain(links).chain(details).chain(emails).chain(numbers);
    texts.chain(&customer.worker).map(|text| text.len() + TEXT_BYTES).sum()
}
