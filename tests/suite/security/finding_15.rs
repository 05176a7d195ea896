//! Finding 15: a pipe in a granted folder blocks threads.
