//! Reads a file and writes it again, and tells how fast that was:
//! `rewrite IN OUT [10|11|12] [plain]`.

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use dunlin_rdb::{
    Checksum, Draft, Item, LoadLimits, Reader, Version, WriteOptions, checksum_bytes,
};
use dunlin_stdx::lzf::Compressor;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, rest @ ..] = words.as_slice() else {
        return Err("usage: rewrite IN OUT [10|11|12] [plain]".into());
    };
    let version = match rest.first().map(String::as_str) {
        Some("11") => Version::V11,
        Some("12") => Version::V12,
        _ => Version::V10,
    };
    let start = Instant::now();
    let mut reader = Reader::open(File::open(input)?, LoadLimits::default())?;
    let mut items = Vec::new();
    loop {
        let item = reader.next_item()?;
        let is_end = matches!(item, Item::End(_));
        items.push(item);
        if is_end {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let keys = items.iter().filter(|item| matches!(item, Item::Key { .. })).count();
    let per_second = |seconds: f64| keys as f64 / seconds / 1e6;
    println!("read: {keys} keys, {:.2} million/s: {:?}", per_second(seconds), items.last());

    let start = Instant::now();
    let mut draft = Draft::new();
    draft.magic(version);
    for item in &items {
        match item {
            Item::Aux { key, value } => draft.aux(key, value),
            Item::SelectDb(number) => draft.select_db(*number),
            Item::ResizeDb { keys, with_deadline } => draft.resize_db(*keys, *with_deadline),
            Item::Function(source) => draft.function(source),
            Item::Key { entry, access } => {
                draft.entry(entry, *access, &WriteOptions { version, ..WriteOptions::default() });
            }
            Item::EmptyKey(_) | Item::Module { .. } => {}
            Item::End(_) => draft.end(),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("written: {:.2} million/s, {} bytes", per_second(seconds), draft.len_bytes());

    let start = Instant::now();
    let mut compressor = (rest.get(1).is_none()).then(Compressor::new);
    let mut bytes = Vec::with_capacity(draft.len_bytes());
    draft.finish(compressor.as_mut(), &mut |piece| bytes.extend_from_slice(piece));
    let checksum = Checksum::of(&bytes);
    bytes.extend_from_slice(&checksum_bytes(Some(checksum)));
    let seconds = start.elapsed().as_secs_f64();
    println!("finished: {:.2} million/s, {} bytes", per_second(seconds), bytes.len());
    std::fs::write(output, bytes)?;
    Ok(())
}
