//! DEBUG's subcommands that show how data are held.

use std::fmt::Write as _;

use dunlin_keyspace::{DatabaseIndex, TableStats};
use dunlin_stdx::glob::{self, Case};
use dunlin_values::set::SetRef;
use dunlin_values::{Encoding, Entry, StringRef};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::server::debug::lists;

/// Rounds of STRINGMATCH-TEST.
const PATTERN_ROUNDS: usize = 100_000;

/// Longest pattern and text of STRINGMATCH-TEST.
const PATTERN_BYTES_MAX: usize = 32;

pub(super) fn object(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.held(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let entry: &Entry = &entry;
    let (clock, encoding) = (entry.clock(), entry.encoding().name());
    let line = format!(
        "Value at:{:p} refcount:1 encoding:{encoding} serializedlength:{} lru:{clock} \
         lru_seconds_idle:{}{}",
        entry.key().as_ptr(),
        serialized_len(entry),
        cx.keyspace.access().idle_seconds(clock),
        lists::describe(entry),
    );
    cx.reply.simple(&line);
    Ok(())
}

/// Bytes of a string in a snapshot that does not compress.
///
/// Source: the RDB format, "String encoding".
fn serialized_len(entry: &Entry) -> usize {
    match entry.string() {
        None => 0,
        Some(StringRef::Int(number)) => {
            if i8::try_from(number).is_ok() {
                2
            } else if i16::try_from(number).is_ok() {
                3
            } else if i32::try_from(number).is_ok() {
                5
            } else {
                1 + itoa::Buffer::new().format(number).len()
            }
        }
        Some(string) => {
            let len = string.len();
            let header = match len {
                0..64 => 1,
                64..16_384 => 2,
                _ if u32::try_from(len).is_ok() => 5,
                _ => 9,
            };
            header + len
        }
    }
}

/// Figures of a string, as SDSLEN names them. A key and a small value share one allocation, so
/// that each counts with its bytes alone.
pub(super) fn string_length(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.held(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let not_a_string = CommandError::fixed("ERR Not an sds encoded string.");
    let value_len = match entry.string() {
        None | Some(StringRef::Int(_)) => return Err(not_a_string),
        Some(string) => string.len(),
    };
    let key_len = entry.key().len();
    let value_bytes = entry.heap_bytes().saturating_sub(key_len).max(value_len);
    let spare = entry.object().map_or(0, |object| {
        object.heap_bytes().saturating_sub(size_of_val(object)).saturating_sub(value_len)
    });
    cx.reply.simple(&format!(
        "key_sds_len:{key_len}, key_sds_avail:0, key_zmalloc: {key_len}, val_sds_len:{value_len}, \
         val_sds_avail:{spare}, val_zmalloc: {value_bytes}"
    ));
    Ok(())
}

/// The shape of a database's table, and of the part of it that holds keys with a deadline: they are
/// in the same table.
pub(super) fn table_stats(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let index = args.integer(2)?;
    let db = DatabaseIndex::try_from(index)
        .ok()
        .filter(|db| *db < cx.keyspace.databases())
        .ok_or(CommandError::fixed("ERR Out of range database"))?;
    let full = args.len() > 3 && args.is(3, "full");
    let mut sum = Shape::default();
    cx.keyspace.database(db).for_each_table(|stats| sum.add(stats));
    let mut text = String::from("[Dictionary HT]\n");
    sum.describe(&mut text, sum.len, full);
    text.push_str("[Expires HT]\n");
    sum.describe(&mut text, sum.with_deadline, false);
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// What the tables of a database are made of.
#[derive(Default)]
struct Shape {
    tables: usize,
    len: usize,
    with_deadline: usize,
    segments: usize,
    buckets: usize,
    slots: usize,
    stashed: usize,
    bytes: usize,
}

impl Shape {
    fn add(&mut self, stats: TableStats) {
        self.tables += 1;
        self.len += stats.len;
        self.with_deadline += stats.with_deadline;
        self.segments += stats.segments;
        self.buckets += stats.buckets;
        self.slots += stats.slots();
        self.stashed += stats.stashed;
        self.bytes += stats.memory_bytes;
    }

    fn describe(&self, text: &mut String, elements: usize, full: bool) {
        text.push_str("Hash table 0 stats (main hash table):\n");
        if elements == 0 {
            text.push_str("No stats available for empty dictionaries\n");
            return;
        }
        let slots = self.slots;
        // Writing to a string cannot fail.
        let _ = write!(text, " table size: {slots}\n number of elements: {elements}\n");
        if full {
            let _ = write!(
                text,
                " tables: {}\n segments: {}\n buckets: {}\n outside their bucket's reach: {}\n \
                 bytes: {}\n fill: {:.2}%\n",
                self.tables,
                self.segments,
                self.buckets,
                self.stashed,
                self.bytes,
                100.0 * elements as f64 / slots as f64,
            );
        }
    }
}

/// The shape of the table inside a value; one that is small enough to be held without a table counts
/// as one that is full.
pub(super) fn table_stats_of_key(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.inspect_quietly(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    if entry.encoding() != Encoding::Hashtable {
        return Err(CommandError::fixed(
            "ERR The value stored at the specified key is not represented using an hash table",
        ));
    }
    let mut shape = Shape::default();
    match entry.set() {
        Some(SetRef::Table(table)) => shape.add(table.stats()),
        Some(packed) => (shape.len, shape.slots) = (packed.len(), packed.len()),
        None => {}
    }
    if let Some(hash) = entry.hash(cx.now.unix_ms()) {
        match hash.table() {
            Some(table) => shape.add(table.stats()),
            None => (shape.len, shape.slots) = (hash.held_len(), hash.held_len()),
        }
    }
    let mut text = String::new();
    shape.describe(&mut text, shape.len, args.len() > 3 && args.is(3, "full"));
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// Matches random patterns with random texts, to see whether the server lives through it.
pub(super) fn try_patterns(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let mut rng = fastrand::Rng::with_seed(cx.now.unix_us.unsigned_abs());
    let (mut pattern, mut text) = (Vec::new(), Vec::new());
    for _ in 0..PATTERN_ROUNDS {
        for bytes in [&mut pattern, &mut text] {
            bytes.clear();
            for _ in 0..rng.usize(..PATTERN_BYTES_MAX) {
                bytes.push(*rng.choice(b"*?[]^-\\ab\0").unwrap_or(&b'a'));
            }
        }
        std::hint::black_box(glob::matches(&pattern, &text, Case::Sensitive));
    }
    cx.reply.simple("Apparently Redis did not crash: test passed");
    Ok(())
}

pub(super) fn struct_sizes(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let sizes = format!(
        "bits:{} entry:{} object:{} ",
        usize::BITS,
        size_of::<Entry>(),
        size_of::<dunlin_values::Object>(),
    );
    cx.reply.bulk(sizes.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn an_object_shows_encoding_and_length_in_a_snapshot() {
        let check = |value: &str, expected: &str| {
            let mut trial = Trial::new();
            trial.run(&format!("SET k {value}"));
            let reply = trial.run("DEBUG OBJECT k");
            assert!(reply.starts_with("+Value at:0x") && reply.contains(expected), "{reply}");
        };
        check("1", "encoding:int serializedlength:2 ");
        check("-200", "encoding:int serializedlength:3 ");
        check("70000", "encoding:int serializedlength:5 ");
        check("5000000000", "encoding:int serializedlength:11 ");
        check("hello", "encoding:embstr serializedlength:6 ");
        check(&"x".repeat(100), "encoding:raw serializedlength:102 ");
        assert_eq!(Trial::new().run("DEBUG OBJECT nosuch"), "-ERR no such key\r\n");
    }

    #[test]
    fn an_expired_key_can_still_be_looked_at() {
        let mut trial = Trial::new();
        trial.run("SET k v PX 10");
        trial.advance_ms(10);
        assert!(trial.run("DEBUG OBJECT k").starts_with("+Value at:"));
        assert_eq!(trial.run("EXISTS k"), ":0\r\n");
    }

    #[test]
    fn strings_have_a_length() {
        let mut trial = Trial::new();
        trial.run("SET k hello");
        let reply = trial.run("DEBUG SDSLEN k");
        assert!(reply.starts_with("+key_sds_len:1, key_sds_avail:0, "), "{reply}");
        assert!(reply.contains("val_sds_len:5, val_sds_avail:0, "), "{reply}");
        trial.run("SET k 17");
        assert_eq!(trial.run("DEBUG SDSLEN k"), "-ERR Not an sds encoded string.\r\n");
    }

    #[test]
    fn tables_tell_their_shape() {
        let mut trial = Trial::new();
        assert!(trial.run("DEBUG HTSTATS 0").contains("No stats available for empty"));
        trial.run("DEBUG POPULATE 1000");
        trial.run("SET k v EX 10");
        let reply = trial.run("DEBUG HTSTATS 0 full");
        assert!(reply.contains(" number of elements: 1001\n tables: 1\n"), "{reply}");
        assert!(reply.contains("[Expires HT]\n"), "{reply}");
        assert_eq!(trial.run("DEBUG HTSTATS 16"), "-ERR Out of range database\r\n");
        assert!(trial.run("DEBUG HTSTATS-KEY k").starts_with("-ERR The value stored at"));
    }

    #[test]
    fn no_pattern_harms_the_server() {
        let reply = Trial::new().run("DEBUG STRINGMATCH-TEST");
        assert_eq!(reply, "+Apparently Redis did not crash: test passed\r\n");
    }
}
