//! Finding 32: unusual transfer codings are taken.
