//! The simulated REST CRM as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, rest};

fn main() -> ExitCode {
    program::run(rest::execute)
}
