//! Simulators of the platforms and CRMs that the gateway and its plugins talk to.

pub mod common;
pub mod crm;
pub mod front;
pub mod hubspot;
pub mod program;
pub mod twilio;

pub use crate::crm::SmallCrm;
pub use crate::front::Front;
pub use crate::hubspot::HubSpot;
pub use crate::twilio::Twilio;
