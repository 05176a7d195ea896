//! Finding 17: fewer descriptors than connections.
