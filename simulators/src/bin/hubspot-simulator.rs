//! The simulated HubSpot as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, hubspot};

fn main() -> ExitCode {
    program::run(hubspot::execute)
}
