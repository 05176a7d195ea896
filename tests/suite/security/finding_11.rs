//! Finding 11: damaged plugin records open the guards.
