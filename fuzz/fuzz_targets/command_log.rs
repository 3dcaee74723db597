//! libFuzzer target for [`dunlin_fuzz::command_log`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::command_log(data));
