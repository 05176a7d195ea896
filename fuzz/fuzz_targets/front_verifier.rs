//! Entry point of libFuzzer for `frontgate_fuzz::front_verifier`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| frontgate_fuzz::front_verifier::run(input));
