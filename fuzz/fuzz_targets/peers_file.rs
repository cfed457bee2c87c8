//! Coverage-guided inputs for `peers_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::peers_file(data));
