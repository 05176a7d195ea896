//! Finding 3: idle connections lock everybody out.
