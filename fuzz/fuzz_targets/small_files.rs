//! Coverage-guided inputs for `small_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_fuzz::properties::small_files(data));
