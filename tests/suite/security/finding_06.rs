//! Finding 6: unverified bodies have no common budget.
