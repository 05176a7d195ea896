//! Finding 19: the compiler's process is not confined.
