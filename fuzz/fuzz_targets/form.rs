//! Entry point of libFuzzer for `frontgate_fuzz::form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::form::run(input));
