//! Finding 16: the author chooses the compiler.
