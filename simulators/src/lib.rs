//! Simulators of the platforms and CRMs that the gateway and its plugins talk to.
//!
//! | type | program | simulates |
//! |---|---|---|
//! | [`Twilio`] | `twilio-simulator` | Twilio Conversations and Frontline: REST API, media, signed webhooks |
//! | [`Front`] | `front-simulator` | Front's application channels: API, attachments, signed requests |
//! | [`HubSpot`] | `hubspot-simulator` | HubSpot's CRM API: contacts, calls, search, owners |
//! | [`Salesforce`] | `salesforce-simulator` | Salesforce's REST API: queries, OAuth 2, contacts, accounts, users |
//! | [`RestCrm`] | `rest-crm-simulator` | the APIs of Airtable, Pipedrive, Zendesk and Zoho CRM for people |
//! | [`WhatsApp`] | `whatsapp-simulator` | Meta's WhatsApp Cloud API: messages, media, templates, signed webhooks |
//! | [`SmallCrm`] | `small-crm` | the CRM of the example plugins |
//!
//! Each simulator
//!
//! - listens on loopback, by default on a free port, and stops when it is dropped;
//! - follows the platform's public documentation, never the gateway's code, so that an error in one is not repeated in
//!   the other;
//! - records requests, for assertions; [`Twilio`] also compares them with Twilio's published description, and fails the
//!   test that sends an unknown or misspelt field ([`twilio::Deviation`]);
//! - fails on demand: queued faults ([`twilio::Fault`]), random ones with a seed, and outages ([`Twilio::go_down`]).
//!
//! A scenario simulates a person: [`Twilio::inbound_sms`] sends the webhooks of a customer's message in Twilio's
//! order, and [`Front::send`] sends a teammate's message to the channel server.
//!
//! ```no_run
//! use frontgate_simulators::Twilio;
//! use frontgate_simulators::twilio::{Action, Call, Fault};
//!
//! let twilio = Twilio::start();
//! // Webhooks go to a gateway on this machine, signed for its public URL.
//! let gateway = "127.0.0.1:8080".parse().expect("an address");
//! twilio.point_at(gateway, "https://gateway.example.com", "", Twilio::AUTH_TOKEN);
//! // The first worker is added on the second attempt.
//! twilio.fault(Fault::new(Action::TooManyRequestsFor(1)).on(Call::AddParticipant));
//! let sid = twilio.inbound_sms("+12125550143", "+12025550199", "Hello").expect("no webhook rejects the message");
//! twilio.wait_for(|state| state.conversation(&sid).is_some_and(|known| !known.workers().is_empty()));
//! ```
//!
//! The library does not depend on the gateway. [`common`] has building blocks for a simulator of your own provider.

pub mod common;
pub mod crm;
pub mod front;
pub mod hubspot;
pub mod program;
pub mod rest;
pub mod salesforce;
pub mod twilio;
pub mod whatsapp;

pub use crate::crm::SmallCrm;
pub use crate::front::Front;
pub use crate::hubspot::HubSpot;
pub use crate::rest::RestCrm;
pub use crate::salesforce::Salesforce;
pub use crate::twilio::Twilio;
pub use crate::whatsapp::WhatsApp;
