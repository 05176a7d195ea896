//! Finding 10: another user's machine code is run.
