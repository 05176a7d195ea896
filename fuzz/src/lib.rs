//! The fuzz targets. Each one processes an arbitrary input and asserts properties of the result.
//!
//! libFuzzer calls the targets through `fuzz_targets/`. `host/tests/fuzz_seeds.rs` also includes this file, and runs
//! each target with its committed seeds. So `cargo xtask test` compiles and checks the targets.

pub mod config;
pub mod destination;
pub mod form;
pub mod front_json;
pub mod front_verifier;
pub mod html;
pub mod manifest;
mod naive;
pub mod routes;
pub mod twilio_verifier;

/// A fuzz target. Panics if a property does not hold.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also the name of its folder in `seeds/`.
pub const ALL: [(&str, Target); 9] = [
    ("config", config::run),
    ("destination", destination::run),
    ("form", form::run),
    ("front_json", front_json::run),
    ("front_verifier", front_verifier::run),
    ("html", html::run),
    ("manifest", manifest::run),
    ("routes", routes::run),
    ("twilio_verifier", twilio_verifier::run),
];

/// Removes and returns the first line of an input.
fn line<'i>(input: &mut &'i [u8]) -> &'i [u8] {
    let (first, rest) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (*input, &[][..]),
    };
    *input = rest;
    first
}

/// Returns the byte at a position of a line, or 0.
fn byte(line: &[u8], at: usize) -> usize {
    line.get(at).copied().unwrap_or_default().into()
}
