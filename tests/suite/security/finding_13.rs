//! Finding 13: an over-long path is replaced by the root.
