//! `salesforce-simulator`: a simulated Salesforce org with made-up contacts.

use std::ffi::OsString;
use std::net::SocketAddr;

use anyhow::Result;
use clap::Parser;

use super::{Outcome, Process};
use crate::Salesforce;
use crate::salesforce::{Org, Person};

const CONTACTS: usize = 450;

/// A simulated Salesforce org on this machine, with 450 contacts and two users.
#[derive(Debug, Parser)]
#[command(name = "salesforce-simulator")]
struct Arguments {
    /// Where the simulator listens.
    #[arg(long, default_value = "127.0.0.1:8094", value_name = "ADDRESS")]
    listen: SocketAddr,
    #[command(flatten)]
    process: Process,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<Salesforce>> {
    let Arguments { listen, process } = super::parse(arguments)?;
    process.prepare()?;
    let salesforce = Salesforce::start_at(listen)?;
    salesforce.org(fill);
    let text = format!(
        "simulated Salesforce: {}\n  consumer key {}\n  consumer secret {}\n  user {}\n  access token {}",
        salesforce.url(),
        Org::CLIENT_ID,
        Org::CLIENT_SECRET,
        Org::USERNAME,
        Org::TOKEN
    );
    Ok(Outcome::Serving(salesforce, text))
}

/// Adds made-up contacts of two users and of none.
fn fill(org: &mut Org) {
    let users = ["ana@example.org", "ben@example.org"].map(|email| org.user(email));
    let queue = org.queue();
    let account = org.account("Lind Boats");
    for number in 0..CONTACTS {
        let person = Person::new(["Mora", "Otto", "Irma"][number % 3], &format!("Lind {number}"))
            .with("Email", &format!("lind-{number}@example.org"))
            .with("Phone", &format!("+1 (212) 555-{number:04}"))
            .with("AccountId", &account)
            .with("OwnerId", users.get(number % 3).unwrap_or(&queue));
        org.add(person);
    }
}
