//! Entry point of libFuzzer for `frontgate_fuzz::destination`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::destination::run(input));
