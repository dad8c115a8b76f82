//! Makes patches between any two files and undoes them.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| delta_fuzz::create_and_apply(input));
