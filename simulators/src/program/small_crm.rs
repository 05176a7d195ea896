//! `small-crm`: the CRM that the example plugins call.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use clap::Parser;

use super::{Outcome, Process};
use crate::SmallCrm;

/// A small CRM on this machine.
///
/// Has the same contacts of the workers ana@example.org, ben@example.org and chloe@example.org on each start. Requests
/// authenticate with `Authorization: Bearer TOKEN`. GET /openapi.json describes the API.
#[derive(Debug, Parser)]
#[command(name = "small-crm", after_help = SmallCrm::control_help())]
struct Arguments {
    /// The port. 0 is any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many contacts there are.
    #[arg(long, default_value_t = SmallCrm::CONTACTS, value_name = "NUMBER")]
    contacts: usize,
    /// The token of requests.
    #[arg(long, default_value = SmallCrm::TOKEN)]
    token: String,
    #[command(flatten)]
    process: Process,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<SmallCrm>> {
    let Arguments { port, contacts, token, process } = super::parse(arguments)?;
    process.prepare()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let crm = SmallCrm::builder().listen(address).contacts(contacts).token(&token).control().try_start()?;
    let text = format!("small-crm: {}", crm.url());
    Ok(Outcome::Serving(crm, text))
}
