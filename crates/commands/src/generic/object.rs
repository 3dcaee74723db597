//! `OBJECT subcommand ...`
//!
//! - `OBJECT ENCODING key`: how the value is held.
//! - `OBJECT FREQ key`: the logarithmic counter of uses, under an LFU policy.
//! - `OBJECT HELP`
//! - `OBJECT IDLETIME key`: seconds since the last use, under any other policy.
//! - `OBJECT REFCOUNT key`
//!
//! Source: Redis documentation, OBJECT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::StringRef;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;

const SPEC: CommandSpec = CommandSpec::new("object", Group::Generic, -2)
    .summary("A container for object introspection commands.")
    .since("2.2.3")
    .complexity("Depends on subcommand.");

const ENCODING_SPEC: CommandSpec = CommandSpec::new("object|encoding", Group::Generic, 3)
    .summary("Returns the internal encoding of a Redis object.")
    .since("2.2.3")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

const FREQ_SPEC: CommandSpec = CommandSpec::new("object|freq", Group::Generic, 3)
    .summary("Returns the logarithmic access frequency counter of a Redis object.")
    .since("4.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

const HELP_SPEC: CommandSpec = CommandSpec::new("object|help", Group::Generic, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE])
    .categories(&[Categories::KEYSPACE]);

const IDLETIME_SPEC: CommandSpec = CommandSpec::new("object|idletime", Group::Generic, 3)
    .summary("Returns the time since the last access to a Redis object.")
    .since("2.2.3")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

const REFCOUNT_SPEC: CommandSpec = CommandSpec::new("object|refcount", Group::Generic, 3)
    .summary("Returns the reference count of a value of a key.")
    .since("2.2.3")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

/// OBJECT's entry in the command table.
pub(super) const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(ENCODING_SPEC, encoding),
        Command::new(FREQ_SPEC, freq),
        Command::new(HELP_SPEC, help),
        Command::new(IDLETIME_SPEC, idletime),
        Command::new(REFCOUNT_SPEC, refcount),
    ],
);

const HELP: &[&str] = &[
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
];

/// Redis keeps one object for each of the numbers below this, and replies [`SHARED`] for it.
const SHARED_NUMBERS: i64 = 10_000;

/// The reference count of an object that is never freed.
const SHARED: i64 = i32::MAX as i64;

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "OBJECT", HELP);
    Ok(())
}

fn encoding(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match cx.keyspace.inspect_quietly(cx.db, args.get(2)) {
        Some(entry) => cx.reply.bulk(entry.encoding().name().as_bytes()),
        None => cx.reply.null(),
    }
    Ok(())
}

fn freq(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(entry) = cx.keyspace.inspect_quietly(cx.db, args.get(2)) else {
        cx.reply.null();
        return Ok(());
    };
    let clock = entry.clock();
    if !cx.config.memory.maxmemory_policy.is_lfu() {
        return Err(CommandError::fixed(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
             note that when switching between policies at runtime LRU and LFU data will take some \
             time to adjust.",
        ));
    }
    let frequency = cx.keyspace.access().frequency(clock);
    cx.reply.integer(i64::from(frequency));
    Ok(())
}

fn idletime(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(entry) = cx.keyspace.inspect_quietly(cx.db, args.get(2)) else {
        cx.reply.null();
        return Ok(());
    };
    let clock = entry.clock();
    if cx.config.memory.maxmemory_policy.is_lfu() {
        return Err(CommandError::fixed(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    let idle = cx.keyspace.access().idle_seconds(clock);
    cx.reply.integer(i64::from(idle));
    Ok(())
}

/// Values are never shared here; the reply is what Redis's would be, because programs compare it.
///
/// Differs: in Redis a small number that COPY made is not shared, and has 1.
fn refcount(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let policy = cx.config.memory.maxmemory_policy;
    let each_has_a_clock = cx.config.memory.maxmemory > 0 && (policy.is_lru() || policy.is_lfu());
    match cx.keyspace.inspect_quietly(cx.db, args.get(2)) {
        None => cx.reply.null(),
        Some(entry) => {
            let shared = !each_has_a_clock
                && matches!(entry.string(), Some(StringRef::Int(0..SHARED_NUMBERS)));
            cx.reply.integer(if shared { SHARED } else { 1 });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dunlin_config::MaxmemoryPolicy;
    use dunlin_keyspace::AccessPolicy;

    use crate::trial::Trial;

    #[test]
    fn uses_are_counted_under_an_lfu_policy_only() {
        let mut trial = Trial::new();
        trial.run("SET k v");
        assert!(trial.run("OBJECT FREQ k").starts_with("-ERR An LFU maxmemory policy is not"));
        trial.config.memory.maxmemory_policy = MaxmemoryPolicy::VolatileLfu;
        trial.keyspace.set_access_policy(AccessPolicy::Lfu { log_factor: 0, decay_minutes: 1 });
        trial.run("SET l v");
        assert_eq!(trial.run("OBJECT FREQ l"), ":5\r\n");
        trial.run("GET l");
        assert_eq!(trial.run("OBJECT FREQ l"), ":6\r\n");
        assert!(trial.run("OBJECT IDLETIME l").starts_with("-ERR An LFU maxmemory policy is sel"));
        assert_eq!(trial.run("OBJECT IDLETIME nosuch"), "$-1\r\n");
        assert_eq!(trial.run("OBJECT FREQ nosuch"), "$-1\r\n");
    }

    #[test]
    fn small_numbers_look_shared_unless_each_needs_a_clock() {
        let mut trial = Trial::new();
        for (value, count) in
            [("0", 2_147_483_647), ("9999", 2_147_483_647), ("10000", 1), ("-1", 1)]
        {
            trial.run(&format!("SET k {value}"));
            assert_eq!(trial.run("OBJECT REFCOUNT k"), format!(":{count}\r\n"), "{value}");
        }
        trial.run("SET k 5");
        trial.config.memory.maxmemory = 1 << 30;
        assert_eq!(trial.run("OBJECT REFCOUNT k"), ":2147483647\r\n");
        trial.config.memory.maxmemory_policy = MaxmemoryPolicy::AllkeysLru;
        assert_eq!(trial.run("OBJECT REFCOUNT k"), ":1\r\n");
    }
}
