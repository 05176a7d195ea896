//! The embedded files, by path. `build.rs` generates the lists.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
