//! What is measured, one file for each part.

pub(crate) mod beside;
pub(crate) mod call;
pub(crate) mod callback;
pub(crate) mod cost;
pub(crate) mod languages;
pub(crate) mod memory;
pub(crate) mod overload;
pub(crate) mod reload;
pub(crate) mod start;

use std::time::Duration;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Everything is measured once in each.
    pub(crate) rounds: u32,
    /// One measurement of one server.
    pub(crate) time: Duration,
}

/// Connections where the server shall always have something to do.
const CONNECTIONS: u32 = 16;
