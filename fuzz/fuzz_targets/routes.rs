//! Entry point of libFuzzer for `frontgate_fuzz::routes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::routes::run(input));
