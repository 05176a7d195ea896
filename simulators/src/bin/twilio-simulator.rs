//! The simulated Twilio as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, twilio};

fn main() -> ExitCode {
    program::run(twilio::execute)
}
