#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::plans(input));
