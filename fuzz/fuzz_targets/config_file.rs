//! libFuzzer target for [`dunlin_fuzz::config_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::config_file(data));
