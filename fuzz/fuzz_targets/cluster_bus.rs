//! libFuzzer target for [`dunlin_fuzz::cluster_bus`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::cluster_bus(data));
