//! Finding 29: records grow without end.
