//! What every stand-in for a platform is made of: a port that goes down and comes back, answers that end
//! early, failures that wait for their requests, and a state that tests wait for.

pub(crate) mod chance;
pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod port;
pub(crate) mod reply;
pub(crate) mod watched;
