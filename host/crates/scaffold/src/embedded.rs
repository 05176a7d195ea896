//! Files that are part of the program, by their paths; `build.rs` lists them.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
