//! Finding 18: a password in a URL reaches the log.
