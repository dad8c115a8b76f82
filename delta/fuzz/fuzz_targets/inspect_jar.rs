//! Checks hostile uploads.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| delta_fuzz::inspect_jar(input));
