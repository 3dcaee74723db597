//! SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
//! PXAT unix-time-milliseconds | KEEPTTL]
//!
//! Makes a key hold a string, whatever it held before. A relative time is propagated as the
//! absolute deadline it stands for, so that every copy of the key expires at the same instant.
//!
//! Source: Redis documentation, SET.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;

use crate::args::Args;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::{new_string, reply_string};
use crate::table::Command;

const SPEC: CommandSpec = CommandSpec::new("set", Group::String, -3)
    .summary("Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE, KeyFlags::VARIABLE_FLAGS])])
    .args(&[Arg::key("key", 0), Arg::string("value")]);

/// SET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// When SET writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    IfAbsent,
    IfPresent,
}

/// What becomes of the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    Clear,
    Keep,
    At(UnixMs),
}

struct Options {
    condition: Condition,
    deadline: Deadline,
    get: bool,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = if args.len() == 3 {
        Options { condition: Condition::Always, deadline: Deadline::Clear, get: false }
    } else {
        parse_options(args, cx.now.unix_ms())?
    };
    let key = args.get(1);
    let slot = cx.keyspace.slot(cx.db, key);
    let exists = matches!(slot, Slot::Occupied(_));
    if options.get {
        match &slot {
            Slot::Vacant(_) => cx.reply.null(),
            Slot::Occupied(held) => {
                reply_string(cx.reply, held.string().ok_or(CommandError::WrongType)?);
            }
        }
    }
    let blocked = match options.condition {
        Condition::Always => false,
        Condition::IfAbsent => exists,
        Condition::IfPresent => !exists,
    };
    if blocked {
        if !options.get {
            cx.reply.null();
        }
        return Ok(());
    }
    let deadline = match (&options.deadline, &slot) {
        (Deadline::At(deadline), _) => Some(*deadline),
        (Deadline::Keep, Slot::Occupied(held)) => held.deadline(),
        _ => None,
    };
    slot.set(new_string(args, 2), deadline);
    cx.changed(KeyEventClass::STRING, "set", key);
    if let Deadline::At(deadline) = options.deadline {
        cx.effects.notify(KeyEventClass::GENERIC, "expire", cx.db, key);
        let mut digits = itoa::Buffer::new();
        let at = digits.format(deadline.0).as_bytes();
        cx.effects.rewrite(&[b"SET", key, args.get(2), b"PXAT", at]);
    }
    if !options.get {
        cx.reply.ok();
    }
    Ok(())
}

fn parse_options(args: Args<'_>, now: UnixMs) -> Result<Options, CommandError> {
    let mut options =
        Options { condition: Condition::Always, deadline: Deadline::Clear, get: false };
    let mut words = args.cursor(3);
    while let Some(word) = words.next_word() {
        match word.to_ascii_lowercase().as_slice() {
            b"nx" if options.condition != Condition::IfPresent => {
                options.condition = Condition::IfAbsent;
            }
            b"xx" if options.condition != Condition::IfAbsent => {
                options.condition = Condition::IfPresent;
            }
            b"get" => options.get = true,
            b"keepttl" if !matches!(options.deadline, Deadline::At(_)) => {
                options.deadline = Deadline::Keep;
            }
            unit @ (b"ex" | b"px" | b"exat" | b"pxat") if options.deadline == Deadline::Clear => {
                let amount = words.integer()?;
                options.deadline = Deadline::At(deadline(unit, amount, now)?);
            }
            _ => return Err(CommandError::Syntax),
        }
    }
    Ok(options)
}

fn deadline(unit: &[u8], amount: i64, now: UnixMs) -> Result<UnixMs, CommandError> {
    let invalid = CommandError::InvalidExpire("set");
    if amount <= 0 {
        return Err(invalid);
    }
    let ms = if unit.starts_with(b"e") { amount.checked_mul(1000) } else { Some(amount) };
    let at = if unit.ends_with(b"at") { ms } else { ms.and_then(|ms| ms.checked_add(now.0)) };
    at.map(UnixMs).ok_or(invalid)
}
