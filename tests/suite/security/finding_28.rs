//! Finding 28: files of a platform come from any address.
