//! The simulated Salesforce as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, salesforce};

fn main() -> ExitCode {
    program::run(salesforce::execute)
}
