//! Finding 9: parsing has no limit on time and memory.
