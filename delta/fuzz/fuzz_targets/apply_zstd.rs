//! Applies hostile patches in the format `zstd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| delta_fuzz::apply_zstd(input));
