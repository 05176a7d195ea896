//! Finding 24: of two headers the first counts.
