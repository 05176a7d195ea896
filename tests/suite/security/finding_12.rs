//! Finding 12: a customer's plain text is HTML in Front.
