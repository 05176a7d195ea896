//! The rows of an index, their positions, and changes of them.

use std::fmt;

use crate::keys::SortKey;

/// Bytes of a row's text; a longer text is cut. [`crate::searched_text`] makes shorter ones.
pub const ROW_TEXT_BYTES_MAX: usize = 1024;
/// Audiences of a row; further ones do not see it.
pub const ROW_AUDIENCES_MAX: usize = 65_536;

/// A worker, a team or everyone, by the number that the store gave to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Audience(pub u32);

/// A customer of an index.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The customer's number, which no other customer has or gets.
    pub n: u32,
    /// The key of its name.
    pub key: &'a SortKey,
    /// The searched text, from [`crate::searched_text`].
    pub text: &'a str,
    /// The audiences that see it. A row without one is in no page, and takes no memory.
    pub audiences: &'a [Audience],
}

/// Without key and text, which are a customer's.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("n", &self.n).field("audiences", &self.audiences).finish_non_exhaustive()
    }
}

/// A place in the list: a value, which stays valid while rows come and go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The key of the row.
    pub key: SortKey,
    /// The number of the row.
    pub n: u32,
}

/// A change of one customer.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The position of the customer's row before, if the customer was there.
    pub old: Option<Position>,
    /// The row from now on, or none if the customer is removed.
    pub new: Option<Row<'a>>,
}
