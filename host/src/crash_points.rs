//! The program `frontgate-crash-points`: `frontgate`, which ends where a test says. Not for production.

use std::process::ExitCode;

fn main() -> ExitCode {
    frontgate::cli::main()
}
