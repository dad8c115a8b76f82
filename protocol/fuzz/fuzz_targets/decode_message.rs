//! Reads hostile texts as messages of either side.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| protocol_fuzz::decode_message(input));
