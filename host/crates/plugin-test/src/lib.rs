//! One plugin outside a gateway, with the gateway's own sandbox and budgets: what authors try and test with.
//!
//! In reading order: a [`project`] is what the author's files say, the [`bench`] holds the plugin, [`values`]
//! are JSON on one side and the contract's types on the other, the [`stage`] plays everybody that the plugin
//! sends requests to, [`cases`] are the author's own, [`conformance`] is what the contract expects of every
//! plugin, and a [`report`] says what came of them.

mod around;
pub mod bench;
pub mod cases;
mod conformance;
mod difference;
pub mod inspect;
pub mod one;
pub mod project;
mod question;
pub mod report;
pub mod scratch;
mod stage;
pub mod suite;
pub mod upstream;
mod values;
