//! Entry point of libFuzzer for `frontgate_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::config::run(input));
