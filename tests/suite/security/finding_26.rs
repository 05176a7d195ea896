//! Finding 26: a redirect carries a secret to another host.
