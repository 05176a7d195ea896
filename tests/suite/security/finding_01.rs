//! Finding 1: one unsigned request is quadratic in its path.
