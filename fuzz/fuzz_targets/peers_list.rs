//! Coverage-guided inputs for `peers_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::peers_list(data));
