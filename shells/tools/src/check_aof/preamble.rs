//! The RDB file that a log may begin with.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use dunlin_rdb::{ChecksumOutcome, Item, LoadLimits, Reader};

/// Checks the RDB file that `file` begins with and says what it finds; where it ends, if it is
/// sound.
pub(super) fn check(path: &Path, file: &mut File, out: &mut dyn Write) -> io::Result<Option<u64>> {
    writeln!(out, "[offset 0] Checking RDB file {}", path.display())?;
    let mut keys = 0u64;
    let mut reader = match Reader::open(file, LoadLimits::default()) {
        Ok(reader) => reader,
        Err(error) => return refuse(out, error.offset, &error.cause.to_string()),
    };
    reader.skip_modules();
    loop {
        match reader.next_item() {
            Ok(Item::Key { .. } | Item::EmptyKey(_)) => keys += 1,
            Ok(Item::End(ChecksumOutcome::Wrong { .. })) => {
                return refuse(out, reader.offset(), "RDB CRC error");
            }
            Ok(Item::End(_)) => break,
            Ok(_) => {}
            Err(error) => return refuse(out, error.offset, &error.cause.to_string()),
        }
    }
    let end = reader.offset();
    writeln!(out, "[offset {end}] \\o/ RDB looks OK! \\o/")?;
    writeln!(out, "[info] {keys} keys read")?;
    Ok(Some(end))
}

fn refuse(out: &mut dyn Write, offset: u64, text: &str) -> io::Result<Option<u64>> {
    writeln!(out, "--- RDB ERROR DETECTED ---\n[offset {offset}] {text}")?;
    Ok(None)
}
