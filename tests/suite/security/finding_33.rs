//! Finding 33: the search list of the resolver applies.
