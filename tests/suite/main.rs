//! Everything that is promised to users, through the front door.

mod callbacks;
mod config;
mod connections;
mod conversations;
mod cost;
mod crash;
mod customers;
mod delivery;
mod frontline;
mod house;
mod lifecycle;
mod misbehaving;
mod operators;
mod outbound;
mod outbound_limits;
mod outbound_secrets;
mod reload;
mod scenarios;
mod signature;
mod state;
mod state_crash;
mod store;
mod tenants;
mod tools;
mod twilio_double;
