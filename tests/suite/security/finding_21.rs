//! Finding 21: memory of the host outside a plugin's limit.
