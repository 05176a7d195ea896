//! Finding 22: the log grows with unsigned requests.
