//! The CRM behind the example plugins as a program.

#![expect(clippy::print_stdout, reason = "it tells an operator how to use it")]

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::thread;

use frontgate_simulators::SmallCrm;

const USAGE: &str = "\
Usage: small-crm [--port PORT] [--contacts NUMBER] [--token TOKEN]

A small CRM on this machine: contacts of the workers ana@example.org, ben@example.org and chloe@example.org, the
same ones every time. Requests show the token as `Authorization: Bearer made-up`. GET /openapi.json describes it.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            println!("{words}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = env::args().skip(1);
    let (mut port, mut contacts, mut token) = (0_u16, SmallCrm::CONTACTS, SmallCrm::TOKEN.to_owned());
    while let Some(name) = arguments.next() {
        if name == "--help" {
            println!("{USAGE}\n\n{}", SmallCrm::control_help());
            return Ok(());
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse().map_err(|_| format!("{value} is no port"))?,
            "--contacts" => contacts = value.parse().map_err(|_| format!("{value} is no number"))?,
            "--token" => token = value,
            _ => return Err(format!("{name} is unknown")),
        }
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let crm = SmallCrm::builder().listen(address).contacts(contacts).token(&token).control().start();
    println!("small-crm: {}", crm.url());
    loop {
        thread::park();
    }
}
