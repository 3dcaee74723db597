//! `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
//!
//! Makes a key of what DUMP replied. Every byte is checked, whatever `sanitize-dump-payload` says.
//! A large payload is decoded beside the command thread while its client waits, so that a key that
//! moves to this server keeps nobody else waiting.
//!
//! Source: Redis documentation, RESTORE.

use dunlin_config::LogLevel;
use dunlin_keyspace::Expiry;
use dunlin_persistence::{LARGE_PAYLOAD_BYTES, PayloadRequest, load_limits};
use dunlin_rdb::{RestoreError, restore, restore_unverified};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry};

use crate::args::Args;
use crate::blocking::Awaited;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::list::list_limits;

const SPEC: CommandSpec = spec("restore", Group::Generic, "2.6.0", &[Flags::WRITE, Flags::DENYOOM])
    .summary("Creates a key from the serialized representation of a value.");

const KEYS: &[KeySpec] = &[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE])];

const ARGUMENTS: &[Arg] = &[
    Arg::key("key", 0),
    Arg::integer("ttl"),
    Arg::string("serialized-value"),
    Arg::literal("replace", "REPLACE").optional().since("3.0.0"),
    Arg::literal("absttl", "ABSTTL").optional().since("5.0.0"),
    Arg::integer("seconds").token("IDLETIME").optional().since("5.0.0"),
    Arg::integer("frequency").token("FREQ").optional().since("5.0.0"),
];

/// What RESTORE and RESTORE-ASKING have in common.
pub(super) const fn spec(
    name: &'static str,
    group: Group,
    since: &'static str,
    flags: &'static [Flags],
) -> CommandSpec {
    CommandSpec::new(name, group, -4)
        .since(since)
        .complexity(
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, \
             where N is the number of Redis objects composing the value and M their average size. \
             For small string values the time complexity is thus O(1)+O(1*M) where M is small, so \
             simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because \
             inserting values into sorted sets is O(log(N)).",
        )
        .history(&[
            ("3.0.0", "Added the `REPLACE` modifier."),
            ("5.0.0", "Added the `ABSTTL` modifier."),
            ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
        ])
        .flags(flags)
        .categories(&[Categories::KEYSPACE, Categories::DANGEROUS])
        .keys(KEYS)
        .args(ARGUMENTS)
}

/// RESTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// The words behind the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    access: AccessHint,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut words = args.cursor(4);
        while let Some(word) = words.next_word() {
            let may_follow = words.remaining() > 0;
            match word.to_ascii_lowercase().as_slice() {
                b"replace" => options.replace = true,
                b"absttl" => options.absolute = true,
                b"idletime"
                    if may_follow && !matches!(options.access, AccessHint::Frequency(_)) =>
                {
                    let seconds = u64::try_from(words.integer()?).map_err(|_| {
                        CommandError::fixed("ERR Invalid IDLETIME value, must be >= 0")
                    })?;
                    options.access = AccessHint::IdleSeconds(seconds);
                }
                b"freq" if may_follow && !matches!(options.access, AccessHint::IdleSeconds(_)) => {
                    let counter = u8::try_from(words.integer()?).map_err(|_| {
                        CommandError::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255")
                    })?;
                    options.access = AccessHint::Frequency(counter);
                }
                _ => return Err(CommandError::Syntax),
            }
        }
        Ok(options)
    }
}

/// Runs RESTORE or RESTORE-ASKING.
pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args)?;
    let key = args.get(1);
    if !options.replace && cx.keyspace.peek(cx.db, key).is_some() {
        return Err(CommandError::fixed("BUSYKEY Target key name already exists."));
    }
    let ttl = args.integer(2)?;
    if ttl < 0 {
        return Err(CommandError::fixed("ERR Invalid TTL value, must be >= 0"));
    }
    let base = if options.absolute { UnixMs(0) } else { cx.now.unix_ms() };
    let deadline = (ttl != 0).then(|| base + ttl);
    let Some(decoded) = decode(cx, args, deadline) else { return Ok(()) };
    let entry = decoded.map_err(|error| refused(cx, &error))?;
    let has_passed = deadline.is_some_and(|at| at <= cx.now.unix_ms());
    if has_passed && cx.keyspace.expiry() == Expiry::Remove {
        discard(cx, key, options.replace);
        cx.reply.ok();
        return Ok(());
    }
    cx.keyspace.put(cx.db, entry);
    if let Some(entry) = cx.keyspace.held(cx.db, key) {
        entry.set_clock(cx.keyspace.access().clock_of(options.access));
    }
    cx.changed(KeyEventClass::GENERIC, "restore", key);
    if let Some(deadline) = deadline.filter(|_| !options.absolute) {
        propagate(cx, args, deadline);
    }
    cx.reply.ok();
    Ok(())
}

/// Makes an entry of the payload; `None` if that takes long, and the client waits meanwhile.
fn decode(
    cx: &mut Context<'_>,
    args: Args<'_>,
    deadline: Option<UnixMs>,
) -> Option<Result<Entry, RestoreError>> {
    let resumed = cx.sessions.blocking.resumed.as_ref().map(|wait| wait.awaited);
    if let Some(Awaited::Decoding(number)) = resumed
        && let Some(mut decoded) = cx.persistence.payloads().take(number)
    {
        // The time to live counts from when the key is there.
        if let Ok(entry) = &mut decoded {
            entry.set_deadline(deadline);
        }
        return Some(decoded);
    }
    let mut limits = load_limits(cx.keyspace, cx.config);
    limits.list.packed_threshold = list_limits(cx).packed_threshold;
    let (key, verify) = (args.get(1), !cx.switches.skip_checksum_validation);
    let large = args.shared(3).filter(|payload| payload.len() >= LARGE_PAYLOAD_BYTES);
    if let Some(payload) = large.filter(|_| cx.may_block()) {
        let request =
            PayloadRequest { payload: payload.clone(), key: key.into(), deadline, limits, verify };
        if let Some(number) = cx.persistence.decode_payload(&request) {
            cx.block_on_job([key], Awaited::Decoding(number));
            return None;
        }
    }
    let decode = if verify { restore } else { restore_unverified };
    Some(decode(args.get(3), key, deadline, limits))
}

/// What the client is told of a payload that is no value; the log says where it is wrong.
fn refused(cx: &mut Context<'_>, error: &RestoreError) -> CommandError {
    match error {
        RestoreError::VersionOrChecksum => {
            CommandError::fixed("ERR DUMP payload version or checksum are wrong")
        }
        RestoreError::Corrupt(why) => {
            let line = format!("RESTORE: integrity check failed: {why} of the payload");
            cx.host.log(LogLevel::Warning, &line);
            CommandError::fixed("ERR Bad data format")
        }
        RestoreError::Empty => CommandError::fixed("ERR Bad data format"),
    }
}

/// What would be restored has expired: only the key that it replaces is removed.
fn discard(cx: &mut Context<'_>, key: &[u8], replaces: bool) {
    let lazily = cx.config.memory.lazyfree_lazy_server_del;
    if replaces && cx.keyspace.delete(cx.db, key, lazily) {
        cx.changed(KeyEventClass::GENERIC, "del", key);
        cx.effects.rewrite(&[if lazily { b"UNLINK" } else { b"DEL" }, key]);
    }
}

/// Followers see the deadline as a point in time.
fn propagate(cx: &mut Context<'_>, args: Args<'_>, deadline: UnixMs) {
    let mut digits = itoa::Buffer::new();
    let mut words = args.words().to_vec();
    words[2] = digits.format(deadline.0).as_bytes();
    words.push(b"ABSTTL");
    cx.effects.rewrite(&words);
}

#[cfg(test)]
mod tests {
    use dunlin_config::MaxmemoryPolicy;
    use dunlin_keyspace::AccessPolicy;
    use dunlin_rdb::{Version, dump};
    use dunlin_values::{Entry, NewValue};

    use crate::trial::Trial;

    /// A payload, quoted as in redis-cli.
    fn payload(value: &str) -> String {
        let entry = Entry::new(b"", NewValue::string(value.as_bytes()), None);
        let bytes = dump(&entry, Version::V10);
        bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    fn restore(trial: &mut Trial, rest: &str) -> String {
        let (ttl, options) = rest.split_once(' ').unwrap_or((rest, ""));
        trial.run(&format!("RESTORE k {ttl} \"{}\" {options}", payload("hello")))
    }

    #[test]
    fn a_key_is_made_of_a_payload() {
        let mut trial = Trial::new();
        assert_eq!(restore(&mut trial, "0"), "+OK\r\n");
        assert_eq!(trial.events(), ["restore k"]);
        assert_eq!(trial.run("GET k"), "$5\r\nhello\r\n");
        assert_eq!(restore(&mut trial, "0"), "-BUSYKEY Target key name already exists.\r\n");
        assert_eq!(restore(&mut trial, "0 replace"), "+OK\r\n");
        assert_eq!(trial.run("TTL k"), ":-1\r\n");
    }

    #[test]
    fn time_to_live_is_propagated_as_a_point_in_time() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        assert_eq!(restore(&mut trial, "500"), "+OK\r\n");
        let propagated = trial.propagated();
        assert!(propagated[0].starts_with("RESTORE k 1000500 "), "{propagated:?}");
        assert!(propagated[0].ends_with(" ABSTTL"), "{propagated:?}");
        assert_eq!(trial.run("PTTL k"), ":500\r\n");
        assert_eq!(restore(&mut trial, "1000600 ABSTTL REPLACE"), "+OK\r\n");
        assert!(trial.propagated()[0].ends_with(" ABSTTL REPLACE"));
        assert_eq!(trial.run("PEXPIRETIME k"), ":1000600\r\n");
    }

    #[test]
    fn what_has_expired_is_not_restored() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        assert_eq!(restore(&mut trial, "999 ABSTTL"), "+OK\r\n");
        assert!(trial.propagated().is_empty() && trial.events().is_empty());
        trial.run("SET k v");
        trial.forget();
        assert_eq!(restore(&mut trial, "999 ABSTTL REPLACE"), "+OK\r\n");
        assert_eq!(trial.propagated(), ["DEL k"]);
        assert_eq!(trial.run("EXISTS k"), ":0\r\n");
    }

    #[test]
    fn use_is_restored_under_its_own_policy() {
        let mut trial = Trial::new();
        trial.at_ms(100_000_000);
        assert_eq!(restore(&mut trial, "0 IDLETIME 1000"), "+OK\r\n");
        assert_eq!(trial.run("OBJECT IDLETIME k"), ":1000\r\n");
        trial.config.memory.maxmemory_policy = MaxmemoryPolicy::AllkeysLfu;
        trial.keyspace.set_access_policy(AccessPolicy::Lfu { log_factor: 10, decay_minutes: 1 });
        assert_eq!(restore(&mut trial, "0 FREQ 100 REPLACE"), "+OK\r\n");
        assert_eq!(trial.run("OBJECT FREQ k"), ":100\r\n");
    }

    #[test]
    fn arguments_are_checked_in_the_order_of_redis() {
        let mut trial = Trial::new();
        for (rest, error) in [
            ("x bogus", "ERR syntax error"),
            ("x idletime", "ERR syntax error"),
            ("0 idletime 1 freq 1", "ERR syntax error"),
            ("0 idletime x", "ERR value is not an integer or out of range"),
            ("0 idletime -1", "ERR Invalid IDLETIME value, must be >= 0"),
            ("0 freq 256", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("x", "ERR value is not an integer or out of range"),
            ("-1", "ERR Invalid TTL value, must be >= 0"),
        ] {
            assert_eq!(restore(&mut trial, rest), format!("-{error}\r\n"), "{rest}");
        }
        for broken in
            ["", "short", "\\x00\\x05hello\\x0a\\x00\\x63\\x72\\xdf\\x76\\x65\\x34\\x20\\x0b"]
        {
            assert_eq!(
                trial.run(&format!("RESTORE k 0 \"{broken}\"")),
                "-ERR DUMP payload version or checksum are wrong\r\n"
            );
        }
        trial.run("SET k v");
        assert_eq!(restore(&mut trial, "x"), "-BUSYKEY Target key name already exists.\r\n");
    }
}
