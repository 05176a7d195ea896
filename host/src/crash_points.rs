//! Entry point of `frontgate-crash-points`: `frontgate` that ends at a crash point chosen by a test.

use std::process::ExitCode;

fn main() -> ExitCode {
    frontgate::cli::main()
}
