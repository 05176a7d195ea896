//! The double of HubSpot as a program: try the plugin `hubspot` by hand, or a client of HubSpot's.

#![expect(clippy::print_stdout, reason = "it tells an operator how to use it")]

use std::env;
use std::process::ExitCode;
use std::thread;

use frontgate_simulators::HubSpot;
use frontgate_simulators::hubspot::Person;

const USAGE: &str = "\
Usage: test-hubspot [ADDRESS]

Stands in for HubSpot's CRM at 127.0.0.1:8093, or another address, with 450 contacts and two owners.";

fn main() -> ExitCode {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8093".to_owned());
    let Ok(address) = address.parse() else {
        println!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let hubspot = HubSpot::start_at(address);
    let owners = ["ana@example.org", "ben@example.org"].map(|email| hubspot.owner(email));
    for number in 0..450 {
        let owner = owners.get(number % 3).map_or("", String::as_str);
        let person = Person::new(["Mora", "Otto", "Irma"][number % 3], &format!("Lind {number}"))
            .with("email", &format!("lind-{number}@example.org"))
            .with("phone", &format!("+1 (212) 555-{number:04}"))
            .with("hubspot_owner_id", owner);
        hubspot.add(person);
    }
    println!("HubSpot's CRM, as far as customers go: {}\nIts token: {}", hubspot.url(), HubSpot::TOKEN);
    loop {
        thread::park();
    }
}
