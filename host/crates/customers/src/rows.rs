//! The tables `customer_sources`, `customers`, `customer_records`, `customer_addresses` and `customers_forgotten`.

pub(crate) mod apply;
pub(crate) mod forget;
pub(crate) mod read;
pub(crate) mod source;
pub(crate) mod sweep;

/// Rows that one statement selects or deletes by their keys.
const KEYS_MAX: usize = if cfg!(test) { 3 } else { 500 };

/// Returns `count` places for values, of which `?1` to `?fixed` are taken: `?2, ?3, ?4`.
fn places(fixed: usize, count: usize) -> String {
    let places: Vec<String> = (fixed + 1..=fixed + count).map(|place| format!("?{place}")).collect();
    places.join(", ")
}

/// Returns `rows` groups of `columns` places: `(?1, ?2), (?3, ?4)`.
fn groups(fixed: usize, columns: usize, rows: usize) -> String {
    let groups: Vec<String> = (0..rows).map(|row| format!("({})", places(fixed + row * columns, columns))).collect();
    groups.join(", ")
}
