//! libFuzzer target for [`dunlin_fuzz::snapshot`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::snapshot(data));
