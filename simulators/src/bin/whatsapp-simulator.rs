//! The simulated WhatsApp Cloud API as a program.

use std::process::ExitCode;

use frontgate_simulators::program::{self, whatsapp};

fn main() -> ExitCode {
    program::run(whatsapp::execute)
}
