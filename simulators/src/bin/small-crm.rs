//! The small CRM as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, small_crm};

fn main() -> ExitCode {
    program::run(small_crm::execute)
}
