//! Coverage-guided inputs for `peer_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::peer_record(data));
