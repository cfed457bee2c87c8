//! Coverage-guided inputs for `kept_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::kept_message(data));
