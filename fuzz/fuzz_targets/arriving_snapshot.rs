//! libFuzzer target for [`dunlin_fuzz::arriving_snapshot`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::arriving_snapshot(data));
