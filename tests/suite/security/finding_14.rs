//! Finding 14: replays are not recognised.
