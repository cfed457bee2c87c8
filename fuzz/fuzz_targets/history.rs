//! Coverage-guided inputs for `history`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::history(data));
