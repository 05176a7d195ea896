//! Entry point of libFuzzer for `frontgate_fuzz::html`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::html::run(input));
