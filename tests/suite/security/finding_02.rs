//! Finding 2: a small file ends the gateway.
