//! Customers for the gateway's index. Each call reads only its own part of the file.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::{fs, io};

use frontgate_sdk::{Batch, ChangeAnswer, Error, Result, SourceCustomer, SourceFacts, warn};

use crate::cursor::{Cursor, FileVersion};
use crate::customers;
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
    let offset = match since.as_deref().map(Cursor::read) {
        None => 0,
        Some(Some(Cursor { file, offset, .. })) if file == version => match offset {
            Some(offset) => offset,
            None => return Ok(Batch::new(Cursor::new(file, None)).into()),
        },
        Some(_) => return Ok(ChangeAnswer::CursorExpired),
    };
    let file = open(&settings)?;
    let mut rows = Rows::open(&settings.customers, &file, offset)?;
    let mut batch = Customers::default();
    let limit = limit.clamp(1, BATCH_CUSTOMERS_MAX) as usize;
    while batch.all.len() < limit && batch.bytes < BATCH_BYTES_MAX {
        let Some(row) = rows.next() else {
            // A half-written file must not count as a whole one.
            if !is_unchanged(&file, version) {
                return expired(since.is_some());
            }
            return Ok(batch.finish(Cursor::new(version, None), false));
        };
        let row = row?;
        if offset == 0 && batch.rows == 0 {
            customers::check(&row, &settings)?;
        }
        batch.add(&row, &settings);
    }
    match is_unchanged(&file, version) {
        true => Ok(batch.finish(Cursor::new(version, Some(rows.offset())), true)),
        false => expired(since.is_some()),
    }
}

/// Returns the customers with these ids. Reads the whole file once.
pub(crate) fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
    let settings = Settings::read()?;
    let version = version(&settings)?;
    let file = open(&settings)?;
    let ids: HashSet<String> = ids.into_iter().collect();
    if let Some(first) = Rows::open(&settings.customers, &file, 0)?.next() {
        customers::check(&first?, &settings)?;
    }
    let mut found = Customers::default();
    let mut rows = Rows::open(&settings.customers, &file, 0)?;
    while let Some(row) = rows.next_where(|row| row.has_id(&ids, &settings)) {
        found.add(&row?, &settings);
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

/// Returns the answer for a file that changed during the call. Without a cursor, there is none to expire.
fn expired(has_cursor: bool) -> Result<ChangeAnswer> {
    if has_cursor { Ok(ChangeAnswer::CursorExpired) } else { Err(changing()) }
}

fn changing() -> Error {
    Error::unavailable("the file changed while it was read")
}

/// The customers of a batch, and what was left out.
#[derive(Default)]
struct Customers {
    all: Vec<SourceCustomer>,
    places: HashMap<String, usize>,
    bytes: usize,
    rows: usize,
    omitted: usize,
    shortened: usize,
}

impl Customers {
    /// Adds the customer of a row. Of rows with the same id, the last one counts.
    fn add(&mut self, row: &Row, settings: &Settings) {
        self.rows += 1;
        let mut customer = row.source_customer(settings);
        let id = customer.customer.customer_id.clone();
        if size(&customer) > CUSTOMER_BYTES_MAX {
            customer.customer.details = None;
            customer.customer.links.clear();
            self.shortened += 1;
        }
        let bytes = size(&customer);
        if id.is_empty() || bytes > CUSTOMER_BYTES_MAX {
            self.omitted += 1;
            return;
        }
        self.bytes += bytes;
        match self.places.get(&id) {
            Some(at) => self.all[*at] = customer,
            None => {
                self.places.insert(id, self.all.len());
                self.all.push(customer);
            }
        }
    }

    fn finish(self, next: Cursor, has_more: bool) -> ChangeAnswer {
        if self.omitted > 0 {
            warn!("omitted {} of {} rows: no id, or too large", self.omitted, self.rows);
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
