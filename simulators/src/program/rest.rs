//! `rest-crm-simulator`: a simulated CRM with made-up people, in the dialect of a vendor.

use std::ffi::OsString;
use std::net::SocketAddr;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use super::{Outcome, Process};
use crate::RestCrm;
use crate::rest::{Dialect, Person};

const PEOPLE: usize = 450;

/// A simulated CRM on this machine, with 450 people and two owners.
#[derive(Debug, Parser)]
#[command(name = "rest-crm-simulator")]
struct Arguments {
    /// The vendor whose API is simulated; plain: none, with pages by offset
    #[arg(long = "as", value_name = "VENDOR")]
    vendor: Vendor,
    /// Where the simulator listens
    #[arg(long, default_value = "127.0.0.1:8095", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Enforce the vendor's rate limits
    #[arg(long)]
    limit_rates: bool,
    #[command(flatten)]
    process: Process,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Vendor {
    Airtable,
    Pipedrive,
    Zendesk,
    Zoho,
    Plain,
}

impl From<Vendor> for Dialect {
    fn from(vendor: Vendor) -> Self {
        match vendor {
            Vendor::Airtable => Self::Airtable,
            Vendor::Pipedrive => Self::Pipedrive,
            Vendor::Zendesk => Self::Zendesk,
            Vendor::Zoho => Self::Zoho,
            Vendor::Plain => Self::Plain,
        }
    }
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<RestCrm>> {
    let Arguments { vendor, listen, limit_rates, process } = super::parse(arguments)?;
    process.prepare()?;
    let dialect = Dialect::from(vendor);
    let crm = RestCrm::start_at(dialect, listen)?;
    for number in 0..PEOPLE {
        let person = Person::new(["Mora", "Otto", "Irma"][number % 3], &format!("Lind {number}"))
            .email(&format!("lind-{number}@example.org"))
            .phone(&format!("+1 (212) 555-{number:04}"))
            .owner(["ana@example.org", "ben@example.org", ""][number % 3]);
        crm.add(person);
    }
    if limit_rates {
        crm.limit_rates();
    }
    let (header, value) = dialect.authentication();
    let text = format!("simulated {}: {}\n  {header}: {value}", dialect.name(), crm.url());
    Ok(Outcome::Serving(crm, text))
}
