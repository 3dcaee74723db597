//! The RDB file that a log may begin with.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::check_rdb::now;

/// Checks the RDB file that `file` begins with and says what it finds, as redis-check-rdb does;
/// where it ends, if it is sound.
pub(super) fn check(path: &Path, file: &mut File, out: &mut dyn Write) -> io::Result<Option<u64>> {
    let checked = dunlin_rdb::check(&path.to_string_lossy(), file, now(), out)?;
    Ok(checked.is_sound.then_some(checked.end))
}
