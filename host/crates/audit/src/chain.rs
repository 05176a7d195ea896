//! The digests that connect the rows, and their verification.

use data_encoding::HEXLOWER;
use frontgate_store::sql::{self, Transaction};
use frontgate_store::values;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Action, COLUMNS, read_row};

/// Number of rows that one statement of [`verify`] reads.
const PAGE_ROWS: u32 = 1_000;

/// The result of [`verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Number of rows whose digest was computed again.
    pub verified: u64,
    /// Number of rows of older programs, which have no digest.
    pub without_digest: u64,
    /// Number of the first row whose digest does not match: this row or the one before it was changed, or a row between
    /// them is missing.
    pub broken: Option<i64>,
    /// Time of the first row that was verified, in milliseconds since 1970.
    pub since_ms: Option<i64>,
}

/// Returns the digest of a row that follows a row with the digest `before`.
pub(super) fn next(before: Option<&str>, row: &Action) -> String {
    let Action { id: _, time_ms, who, role, tenant, action, object, before: old, after, reason, chain: _ } = row;
    let columns = serde_json::json!([before, time_ms, who, role, tenant, action, object, old, after, reason]);
    HEXLOWER.encode(&Sha256::digest(columns.to_string()))
}

/// Computes all digests again and compares them with the stored ones.
///
/// The first row is taken as it is if earlier rows were deleted after their retention time.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn verify(read: &Transaction<'_>) -> sql::Result<Verification> {
    let select = format!("SELECT {COLUMNS} FROM actions WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut result = Verification { verified: 0, without_digest: 0, broken: None, since_ms: None };
    let mut before: Option<Action> = None;
    loop {
        let id = before.as_ref().map_or(i64::MIN, |before| before.id);
        let page = read.rows(&select, values![id, PAGE_ROWS], read_row)?;
        if page.is_empty() {
            return Ok(result);
        }
        for row in page {
            let last = before.as_ref().map(|before| before.chain.as_deref());
            match (&row.chain, last) {
                // Digests start after the rows of older programs and never stop again.
                (None, None | Some(None)) => result.without_digest += 1,
                (Some(chain), last) if *chain == next(last.flatten(), &row) => {
                    result.verified += 1;
                    result.since_ms = result.since_ms.or(Some(row.time_ms));
                }
                // Rows before the first one may have been deleted.
                (Some(_), None) => {}
                _ => {
                    result.broken = Some(row.id);
                    return Ok(result);
                }
            }
            before = Some(row);
        }
    }
}
