//! The embedded files by path, in lists that `build.rs` generates.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
