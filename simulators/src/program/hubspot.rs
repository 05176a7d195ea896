//! `hubspot-simulator`: a simulated HubSpot with made-up contacts.

use std::ffi::OsString;
use std::net::SocketAddr;

use anyhow::Result;
use clap::Parser;

use super::{Outcome, Process};
use crate::HubSpot;
use crate::hubspot::Person;

const CONTACTS: usize = 450;

/// A simulated HubSpot CRM on this machine, with 450 contacts and two owners.
#[derive(Debug, Parser)]
#[command(name = "hubspot-simulator")]
struct Arguments {
    /// Where the simulator listens.
    #[arg(long, default_value = "127.0.0.1:8093", value_name = "ADDRESS")]
    listen: SocketAddr,
    #[command(flatten)]
    process: Process,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<HubSpot>> {
    let Arguments { listen, process } = super::parse(arguments)?;
    process.prepare()?;
    let hubspot = HubSpot::start_at(listen)?;
    let owners = ["ana@example.org", "ben@example.org"].map(|email| hubspot.owner(email));
    for number in 0..CONTACTS {
        let owner = owners.get(number % 3).map_or("", String::as_str);
        let person = Person::new(["Mora", "Otto", "Irma"][number % 3], &format!("Lind {number}"))
            .with("email", &format!("lind-{number}@example.org"))
            .with("phone", &format!("+1 (212) 555-{number:04}"))
            .with("hubspot_owner_id", owner);
        hubspot.add(person);
    }
    let text = format!("simulated HubSpot: {}\n  token {}", hubspot.url(), HubSpot::TOKEN);
    Ok(Outcome::Serving(hubspot, text))
}
