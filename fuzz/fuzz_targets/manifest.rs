//! Entry point of libFuzzer for `frontgate_fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::manifest::run(input));
