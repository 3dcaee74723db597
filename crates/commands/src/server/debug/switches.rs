//! DEBUG's switches: what tests turn off or down in a running server.

use dunlin_stdx::byte_size;
use dunlin_stdx::number::parse_i64;

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

/// The switches of one server that its parts look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Periodic work rests (PAUSE-CRON).
    pub cron_paused: bool,
    /// Bytes from which an element of a list has a node of its own (QUICKLIST-PACKED-THRESHOLD).
    pub quicklist_packed_threshold_bytes: u64,
    /// Checksums of snapshots and of RESTORE are not compared (SET-SKIP-CHECKSUM-VALIDATION).
    pub skip_checksum_validation: bool,
    /// How long the server sleeps before it hands changes to the append-only file, in microseconds
    /// (AOF-FLUSH-SLEEP).
    pub log_flush_sleep_us: u64,
}

/// The threshold of lists unless told otherwise.
const PACKED_THRESHOLD_BYTES: u64 = 1 << 30;

/// The first threshold that Redis refuses.
const PACKED_THRESHOLD_BYTES_END: u64 = 1 << 32;

impl Default for Switches {
    fn default() -> Self {
        Self {
            cron_paused: false,
            quicklist_packed_threshold_bytes: PACKED_THRESHOLD_BYTES,
            skip_checksum_validation: false,
            log_flush_sleep_us: 0,
        }
    }
}

/// Reads a switch as C's `atoi` does: what does not begin with a number other than 0 is off.
fn is_on(word: &[u8]) -> bool {
    let digits = word.trim_ascii_start();
    let digits = digits.strip_prefix(b"-").or(digits.strip_prefix(b"+")).unwrap_or(digits);
    digits.iter().take_while(|byte| byte.is_ascii_digit()).any(|byte| *byte != b'0')
}

pub(super) fn pause_cron(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    cx.switches.cron_paused = is_on(args.get(2));
    cx.reply.ok();
    Ok(())
}

pub(super) fn log_flush_sleep(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let us = parse_i64(args.get(2)).unwrap_or(0);
    cx.switches.log_flush_sleep_us = u64::try_from(us).unwrap_or(0);
    cx.reply.ok();
    Ok(())
}

pub(super) fn set_active_expire(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    cx.keyspace.set_active_expiry(is_on(args.get(2)));
    cx.reply.ok();
    Ok(())
}

pub(super) fn skip_checksum_validation(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    cx.switches.skip_checksum_validation = is_on(args.get(2));
    cx.reply.ok();
    Ok(())
}

pub(super) fn quicklist_packed_threshold(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let bytes = byte_size::parse(args.get(2))
        .filter(|bytes| *bytes < PACKED_THRESHOLD_BYTES_END)
        .ok_or(CommandError::fixed(
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
    ))?;
    cx.switches.quicklist_packed_threshold_bytes =
        if bytes == 0 { PACKED_THRESHOLD_BYTES } else { bytes };
    cx.reply.ok();
    Ok(())
}

/// Output buffers are lent for as long as there is output and taken back when it is sent: there is
/// no peak to reset and nothing to resize. The words are checked as Redis checks them.
pub(super) fn reply_buffer(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.is(2, "peak-reset-time") {
        let is_word = args.is(3, "never") || args.is(3, "reset");
        if !is_word && parse_i64(args.get(3)).is_none() {
            return Err(CommandError::NotInteger);
        }
    } else if !args.is(2, "resizing") {
        return Err(CommandError::subcommand_syntax("DEBUG", args.get(1)));
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    #[test]
    fn switches_are_read_as_atoi_reads_them() {
        for (word, expected) in
            [("1", true), ("0", false), (" -1", true), ("2x", true), ("x1", false), ("", false)]
        {
            assert_eq!(is_on(word.as_bytes()), expected, "{word:?}");
        }
    }

    #[test]
    fn switches_are_set() {
        let mut trial = Trial::new();
        assert_eq!(trial.run("DEBUG PAUSE-CRON 1"), "+OK\r\n");
        assert_eq!(trial.run("DEBUG QUICKLIST-PACKED-THRESHOLD 100b"), "+OK\r\n");
        assert_eq!(trial.run("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1"), "+OK\r\n");
        let expected = Switches {
            cron_paused: true,
            quicklist_packed_threshold_bytes: 100,
            skip_checksum_validation: true,
            ..Switches::default()
        };
        assert_eq!(trial.switches, expected);
        trial.run("DEBUG QUICKLIST-PACKED-THRESHOLD 0");
        assert_eq!(trial.switches.quicklist_packed_threshold_bytes, 1 << 30);
        assert!(trial.run("DEBUG QUICKLIST-PACKED-THRESHOLD 4gb").starts_with("-ERR argument"));
        assert!(trial.run("DEBUG REPLYBUFFER PEAK-RESET-TIME soon").starts_with("-ERR value"));
        assert!(trial.run("DEBUG REPLYBUFFER SHRINK 1").starts_with("-ERR unknown subcommand"));
    }

    #[test]
    fn without_active_expiry_keys_stay_until_they_are_met() {
        let mut trial = Trial::new();
        trial.run("DEBUG SET-ACTIVE-EXPIRE 0");
        trial.run("SET k v PX 10");
        trial.advance_ms(10);
        assert!(!trial.keyspace.expire_due(0, &mut 100));
        assert_eq!(trial.run("DBSIZE"), ":1\r\n");
        trial.run("DEBUG SET-ACTIVE-EXPIRE 1");
        trial.keyspace.expire_due(0, &mut 100);
        assert_eq!(trial.run("DBSIZE"), ":0\r\n");
    }
}
