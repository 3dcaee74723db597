//! Functions that find the keys of commands whose key specs cannot.
//!
//! SORT's STORE may stand anywhere, MIGRATE's keys depend on an empty argument, and what SET and
//! BITFIELD do with their key depends on their options.

use crate::{KeyFlags, KeyRef, Keys};

/// Finds the keys of a request (`argv[0]` is the command's name).
///
/// Arguments may be malformed; then it finds what Redis finds, or nothing.
pub type FindKeysFn = fn(argv: &[&[u8]], keys: &mut Keys);

const READS: KeyFlags = KeyFlags::RO.union(KeyFlags::ACCESS);
const OVERWRITES: KeyFlags = KeyFlags::OW.union(KeyFlags::UPDATE);
const READS_AND_UPDATES: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE);
const READS_AND_DELETES: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE);

/// SET: reads its key as well when there is a GET option.
pub fn set(argv: &[&[u8]], keys: &mut Keys) {
    let has_get = argv.iter().skip(3).any(|arg| is(arg, "get"));
    push(keys, 1, if has_get { READS_AND_UPDATES } else { OVERWRITES });
}

/// BITFIELD: only reads when all its operations are GET.
pub fn bitfield(argv: &[&[u8]], keys: &mut Keys) {
    push(keys, 1, if bitfield_only_reads(argv) { READS } else { READS_AND_UPDATES });
}

fn bitfield_only_reads(argv: &[&[u8]]) -> bool {
    let mut rest = argv.get(2..).unwrap_or_default();
    while let [operation, operands @ ..] = rest {
        let operand_count = match operation {
            word if is(word, "get") => 2,
            word if is(word, "overflow") => 1,
            // SET, INCRBY, or a syntax error, which is not trusted to only read.
            _ => return false,
        };
        match operands.get(operand_count..) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

/// SORT: its key, and the key behind the last STORE.
pub fn sort(argv: &[&[u8]], keys: &mut Keys) {
    push(keys, 1, READS);
    let mut destination = None;
    let mut index = 2;
    while index < argv.len() {
        match argv[index] {
            word if is(word, "limit") => index += 2,
            word if is(word, "get") || is(word, "by") => index += 1,
            word if is(word, "store") && index + 1 < argv.len() => destination = Some(index + 1),
            _ => {}
        }
        index += 1;
    }
    if let Some(index) = destination {
        push(keys, index, OVERWRITES);
    }
}

/// `SORT_RO`: its key; those that BY and GET make up while sorting are not in the request.
pub fn sort_ro(_argv: &[&[u8]], keys: &mut Keys) {
    push(keys, 1, READS);
}

/// MIGRATE: the key, or those behind KEYS when the key is empty.
pub fn migrate(argv: &[&[u8]], keys: &mut Keys) {
    let mut index = 6;
    while index < argv.len() {
        match argv[index] {
            word if is(word, "keys") => {
                // A key and KEYS is a syntax error.
                if argv[3].is_empty() {
                    (index + 1..argv.len()).for_each(|key| push(keys, key, READS_AND_DELETES));
                }
                return;
            }
            word if is(word, "auth") => index += 1,
            word if is(word, "auth2") => index += 2,
            _ => {}
        }
        index += 1;
    }
    push(keys, 3, READS_AND_DELETES);
}

/// GEORADIUS and GEORADIUSBYMEMBER: the key, and the key behind the last STORE or STOREDIST.
/// Gives no flags.
pub fn georadius(argv: &[&[u8]], keys: &mut Keys) {
    push(keys, 1, KeyFlags::empty());
    let mut destination = None;
    let mut index = 5;
    while index + 1 < argv.len() {
        if is(argv[index], "store") || is(argv[index], "storedist") {
            index += 1;
            destination = Some(index);
        }
        index += 1;
    }
    if let Some(index) = destination {
        push(keys, index, KeyFlags::empty());
    }
}

/// XREAD and XREADGROUP: the first half of what stands behind STREAMS. Gives no flags.
///
/// Reads the options before it, because a group may be named "streams" too.
pub fn xread(argv: &[&[u8]], keys: &mut Keys) {
    let mut index = 1;
    let streams = loop {
        match argv.get(index) {
            Some(word) if is(word, "streams") => break index,
            Some(word) if is(word, "block") || is(word, "count") => index += 1,
            Some(word) if is(word, "group") => index += 2,
            Some(word) if is(word, "noack") => {}
            _ => return,
        }
        index += 1;
    };
    let left = argv.len() - streams - 1;
    if left.is_multiple_of(2) {
        (0..left / 2).for_each(|key| push(keys, streams + 1 + key, KeyFlags::empty()));
    }
}

fn push(keys: &mut Keys, index: usize, flags: KeyFlags) {
    keys.push(KeyRef { index: index as u32, flags });
}

fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// A number of keys in canonical form: digits without sign or leading zeros. More digits than a
/// request can have arguments are no number.
pub(crate) fn strict_number(text: &[u8]) -> Option<usize> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] if text.len() <= 10 && text.iter().all(u8::is_ascii_digit) => {
            Some(leading_number(text))
        }
        _ => None,
    }
}

/// The number that a text starts with, behind spaces and a sign; 0 when there is none or when it
/// is negative.
pub(crate) fn leading_number(text: &[u8]) -> usize {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0_usize, |number, byte| {
        number.saturating_mul(10).saturating_add(usize::from(byte - b'0'))
    })
}
