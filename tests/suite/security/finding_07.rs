//! Finding 7: a plugin reads a bound secret.
