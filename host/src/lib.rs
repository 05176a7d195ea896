//! Frontgate: a gateway between customer-messaging platforms and a company's own systems.
//!
//! A callback comes in at [`server`], is answered by [`gateway`] (route, read, verify, decode, ask a
//! plugin, encode), and the plugin runs in [`plugin`]. A module imports from its own floor and
//! from those below; ARCHITECTURE.md has the floors.

pub mod cli;

pub mod dev;

pub mod service;
pub mod workbench;

pub mod console;
pub mod server;

pub mod gateway;

pub mod delivery;

pub mod body;
pub mod connections;
pub mod roles;
pub mod routes;
pub mod tenants;

pub mod plugin;

pub mod state;
pub mod store;

pub mod front;
pub mod twilio;

pub mod bindings;
pub mod config;
mod memory;
pub mod outbound;
mod ownership;
mod process;
pub mod sandbox;
mod scheduling;
pub mod settings;
mod signing;
mod starter;
pub mod telemetry;
