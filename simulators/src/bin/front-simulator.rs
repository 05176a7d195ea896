//! The simulated Front as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, front};

fn main() -> ExitCode {
    program::run(front::execute)
}
