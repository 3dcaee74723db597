//! libFuzzer target for [`dunlin_fuzz::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::manifest(data));
