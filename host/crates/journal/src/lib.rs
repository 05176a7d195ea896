//! Facts of recorded requests in a file, so that the console knows them after a restart, and the search for an address.
//!
//! [`Journal`] is the entry point. Its task reads the recorder once a second and writes what is kept for longer, in one
//! batch: nothing runs on the path of a callback. The file has no number, name or text. Addresses are stored as keyed
//! digests, so a person who knows an address finds its conversations, and a reader of the file finds no address.
//!
//! `addresses` finds addresses in a body, `key` has the key of their digests, `stored` is the format of a row.

mod addresses;
mod journal;
mod key;
mod stored;

pub use self::addresses::normalized;
pub use self::journal::{Found, Journal, Limits};
