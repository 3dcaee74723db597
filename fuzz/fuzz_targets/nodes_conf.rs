//! libFuzzer target for [`dunlin_fuzz::nodes_conf`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::nodes_conf(data));
