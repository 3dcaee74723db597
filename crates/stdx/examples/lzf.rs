//! How fast LZF is: bytes per second in and out, and what is saved.

use std::hint::black_box;
use std::time::Instant;

use dunlin_stdx::lzf::{Compressor, decompress_into};

fn main() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = (0..64 << 10)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    let words =
        ["alpha", "status", "\"name\": ", "2026-01-02", "user:", "value", "{", "}, ", "null"];
    let mut text = Vec::new();
    while text.len() < 64 << 10 {
        let pick = noise[text.len() % noise.len()];
        text.extend_from_slice(words[usize::from(pick) % words.len()].as_bytes());
        text.extend_from_slice(format!("{}", u32::from(pick) * 37).as_bytes());
    }
    for (name, input) in [
        ("noise, 64 bytes", &noise[..64]),
        ("noise, 1 KB", &noise[..1 << 10]),
        ("noise, 64 KB", &noise[..64 << 10]),
        ("text, 64 bytes", &text[..64]),
        ("text, 1 KB", &text[..1 << 10]),
        ("text, 64 KB", &text[..64 << 10]),
        ("zeros, 64 KB", &[0; 64 << 10]),
    ] {
        measure(name, input);
    }
}

fn measure(name: &str, input: &[u8]) {
    let mut compressor = Compressor::new();
    let rounds = (256 << 20) / input.len();
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(compressor.compress(black_box(input), input.len().saturating_sub(4)));
    }
    let seconds = start.elapsed().as_secs_f64();
    let speed = |seconds: f64| (rounds * input.len()) as f64 / seconds / 1e6;
    let packed = compressor.compress(input, usize::MAX).map(<[u8]>::to_vec).unwrap_or_default();
    let mut out = Vec::new();
    let start = Instant::now();
    for _ in 0..rounds {
        assert!(decompress_into(black_box(&packed), input.len(), &mut out));
    }
    println!(
        "{name:16} compress {:6.0} MB/s, to {:3}%; decompress {:6.0} MB/s",
        speed(seconds),
        packed.len() * 100 / input.len(),
        speed(start.elapsed().as_secs_f64())
    );
}
