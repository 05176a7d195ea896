//! Checks of cursors: the end of a run, and cursors that the source did not make.

use frontgate_contract::bindings::crm_source::ChangeAnswer;

use super::enumeration::{Enumeration, within_limits};
use super::{LIMIT, changes, no_batch};
use crate::conformance::{Checker, Problem, Verdict, ensure};

/// Length of a cursor of the maximum size, in bytes.
const LONG_CURSOR_BYTES: usize = 4_096;

/// Checks that a run without changes ends at once. Customers that the source reports again are allowed.
pub(super) async fn unchanged(checker: &Checker<'_>, all: &Enumeration, limit: u32) -> Verdict {
    let Some(end) = &all.end else {
        return Err(Problem::Skipped("the source has more customers than this check reads".to_owned()));
    };
    let what = "crm-source.changes with the cursor of the last batch";
    let batch = match changes(checker, what, Some(end), limit).await? {
        ChangeAnswer::Batch(batch) => batch,
        answer => return Err(no_batch(what, &answer)),
    };
    within_limits(what, &batch, limit)?;
    ensure(!batch.has_more, || {
        format!("{what} has more, although nothing changed; an incremental source returns only what changed")
    })
}

/// Checks cursors of another version, and random bytes.
pub(super) async fn foreign(checker: &Checker<'_>) -> Verdict {
    let random: Vec<u8> = (0..64u8).map(|at| at.wrapping_mul(167) ^ 0x5a).collect();
    for (cursor, shown) in [
        (random, "64 random bytes"),
        (vec![0xff; LONG_CURSOR_BYTES], "4,096 bytes that are not UTF-8"),
        (b"{\"frontgate\":\"another version\"}".to_vec(), "another JSON object"),
        (b"frontgate-no-such-cursor".to_vec(), "another text"),
        ("日本 \u{1f98a}\u{0}".as_bytes().to_vec(), "another text with special characters"),
    ] {
        let what = format!("crm-source.changes with {shown} as the cursor");
        match checker.call(&what, async |call| call.customer_changes(Some(cursor), LIMIT).await).await? {
            Ok(ChangeAnswer::CursorExpired) => {}
            Ok(answer @ ChangeAnswer::Busy(_)) => return Err(no_batch(&what, &answer)),
            Ok(ChangeAnswer::Batch(batch)) => {
                return Err(Problem::Failed(format!(
                    "{what} returned {} customers instead of `cursor-expired`: after an update of the plugin, changes \
                     would be lost. Check the whole cursor",
                    batch.upserts.len()
                )));
            }
            Err(error) => {
                return Err(Problem::Failed(format!(
                    "{what} returned {} instead of `cursor-expired`: the gateway would repeat the call forever",
                    super::describe(&error)
                )));
            }
        }
    }
    Ok(())
}
