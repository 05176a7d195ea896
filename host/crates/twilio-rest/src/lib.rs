//! Client of Twilio's Conversations API, and what an answer means for a delivery.
//!
//! [`rest::Rest`] sends requests for one account; [`reaction::reaction`] classifies failures: repeat, give up, or
//! unclear.

pub mod reaction;
pub mod rest;
