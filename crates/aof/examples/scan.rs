//! How fast a log is scanned: `cargo run --release -p dunlin-aof --example scan [FILE]`.

use std::time::Instant;

use dunlin_aof::{Item, LogReader};

const PIECE_BYTES: usize = 1 << 20;

fn main() {
    let bytes = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path).expect("a file"),
        None => {
            b"*3\r\n$3\r\nSET\r\n$16\r\nkey:000000012345\r\n$10\r\nvalue:1234\r\n".repeat(2_000_000)
        }
    };
    let start = Instant::now();
    let mut reader = LogReader::at(0);
    let (mut at, mut arrived, mut runs) = (0, 0, 0);
    let end = loop {
        match reader.next(&bytes[at..arrived]) {
            Ok(Item::Commands { len_bytes, .. }) => {
                at += len_bytes;
                runs += 1;
            }
            Ok(Item::Annotation { len_bytes, .. }) => at += len_bytes,
            Ok(Item::Incomplete) if arrived < bytes.len() => {
                arrived = bytes.len().min(arrived + PIECE_BYTES);
            }
            Ok(Item::Incomplete) => break reader.finish(&bytes[at..]),
            Err(error) => break Err(error),
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} commands in {runs} runs, {seconds:.3} s: {:.1} million/s, {:.2} GB/s; {end:?}",
        reader.commands(),
        reader.commands() as f64 / seconds / 1e6,
        bytes.len() as f64 / seconds / 1e9,
    );
}
