//! Finding 23: secrets stay in memory and environment.
