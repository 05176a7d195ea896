//! Finds rows with an id of an earlier row, which lists omit, before the first batch. The memory for it is 8 bytes a row.

use std::collections::HashSet;
use std::fs::File;

use frontgate_sdk::Result;

use crate::customers;
use crate::settings::Settings;
use crate::table::Rows;

/// Returns the ends of rows with a duplicate id, in order. Reads the whole file, and once more if there are any.
pub(crate) fn ends(file: &File, settings: &Settings) -> Result<Vec<u64>> {
    check(file, settings)?;
    let mut hashes = Vec::new();
    let all = |row: &crate::row::Row| {
        hashes.extend(row.id_hash(settings));
        false
    };
    if let Some(error) = Rows::open(&settings.customers, file, 0)?.next_where(all) {
        error?;
    }
    hashes.sort_unstable();
    let repeated: HashSet<u64> = hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    drop(hashes);
    let mut ends = Vec::new();
    if repeated.is_empty() {
        return Ok(ends);
    }
    let mut known = HashSet::new();
    let mut rows = Rows::open(&settings.customers, file, 0)?;
    while let Some(row) = rows.next_where(|row| row.id_hash(settings).is_some_and(|hash| repeated.contains(&hash))) {
        if !known.insert(row?.id(settings)) {
            ends.push(rows.offset());
        }
    }
    Ok(ends)
}

/// Checks the columns of the first row.
pub(crate) fn check(file: &File, settings: &Settings) -> Result<()> {
    match Rows::open(&settings.customers, file, 0)?.next() {
        Some(first) => customers::check(&first?, settings),
        None => Ok(()),
    }
}
