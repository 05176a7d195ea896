//! Finding 5: one channel's provider fills the disk.
