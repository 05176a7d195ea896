//! Finding 8: a small file costs a gigabyte and is compiled again and again.
