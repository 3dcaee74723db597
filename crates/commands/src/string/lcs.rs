//! `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`
//!
//! Replies the longest common subsequence of two strings, its length, or where its pieces lie.
//!
//! Source: Redis documentation, LCS.

use bytes::Bytes;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::{IntText, StringRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::string::subsequence::{Match, Subsequence, common_len};

const SPEC: CommandSpec = CommandSpec::new("lcs", Group::String, -3)
    .summary("Finds the longest common substring.")
    .since("7.0.0")
    .complexity("O(N*M) where N and M are the lengths of s1 and s2, respectively")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).to(1)])
    .args(&[
        Arg::key("key1", 0),
        Arg::key("key2", 0),
        Arg::literal("len", "LEN").optional(),
        Arg::literal("idx", "IDX").optional(),
        Arg::integer("min-match-len").token("MINMATCHLEN").optional(),
        Arg::literal("withmatchlen", "WITHMATCHLEN").optional(),
    ]);

/// LCS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What is replied.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    len: bool,
    matches: bool,
    min_match_len: i64,
    with_match_len: bool,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let [a, b] = [string(cx, args.get(1)), string(cx, args.get(2))];
    let (Some(a), Some(b)) = (a, b) else {
        return Err(CommandError::fixed("ERR The specified keys must contain string values"));
    };
    let options = Options::parse(args)?;
    check_size(cx, a.len(), b.len())?;
    if options.len {
        cx.reply.integer(common_len(&a, &b) as i64);
        return Ok(());
    }
    let common = Subsequence::of(&a, &b);
    if options.matches {
        reply_matches(cx, &common, options);
    } else {
        cx.reply.bulk(&common.text);
    }
    Ok(())
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut words = args.cursor(3);
        while let Some(word) = words.next_word() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("IDX") {
                options.matches = true;
            } else if is("LEN") {
                options.len = true;
            } else if is("WITHMATCHLEN") {
                options.with_match_len = true;
            } else if is("MINMATCHLEN") {
                options.min_match_len = words.integer()?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        if options.len && options.matches {
            return Err(CommandError::fixed(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// The string of a key, empty if there is no such key; `None` if it holds another type.
fn string(cx: &mut Context<'_>, key: &[u8]) -> Option<Bytes> {
    let Some(entry) = cx.keyspace.get(cx.db, key) else { return Some(Bytes::new()) };
    Some(match entry.string()? {
        StringRef::Shared(bytes) => bytes.clone(),
        string => Bytes::copy_from_slice(string.as_bytes(&mut IntText::default())),
    })
}

/// Refuses what Redis refuses: a table of four bytes for each pair of positions may not be larger
/// than `proto-max-bulk-len`. (We need a sixteenth of that, see [`Subsequence`], but the limit also
/// bounds the time.)
fn check_size(cx: &Context<'_>, a_len: usize, b_len: usize) -> CommandResult {
    const LEN_MAX: usize = u32::MAX as usize - 1;
    if a_len >= LEN_MAX || b_len >= LEN_MAX {
        return Err(CommandError::fixed("ERR String too long for LCS"));
    }
    let table_bytes = (a_len as u128 + 1) * (b_len as u128 + 1) * 4;
    if table_bytes > u128::from(cx.config.network.proto_max_bulk_len) {
        return Err(CommandError::fixed(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    Ok(())
}

fn reply_matches(cx: &mut Context<'_>, common: &Subsequence, options: Options) {
    let wanted = |found: &&Match| found.len() as i64 >= options.min_match_len;
    cx.reply.map(2);
    cx.reply.bulk(b"matches");
    cx.reply.array(common.matches.iter().filter(wanted).count());
    for found in common.matches.iter().filter(wanted) {
        cx.reply.array(if options.with_match_len { 3 } else { 2 });
        for range in [&found.a, &found.b] {
            cx.reply.array(2);
            cx.reply.integer(range.start as i64);
            cx.reply.integer(range.end as i64 - 1);
        }
        if options.with_match_len {
            cx.reply.integer(found.len() as i64);
        }
    }
    cx.reply.bulk(b"len");
    cx.reply.integer(common.text.len() as i64);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn text_length_and_places() {
        let mut trial = Trial::new();
        trial.check(&[
            ("MSET a ohmytext b mynewtext", "+OK"),
            ("LCS a b", "$6\r\nmytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6"),
            ("LCS a nosuch", "$0\r\n"),
            ("LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."),
            ("LCS a b MINMATCHLEN", "-ERR syntax error"),
            ("LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range"),
        ]);
    }
}
