//! `XTRIM key <MAXLEN|MINID> [=|~] threshold [LIMIT count]`
//!
//! Removes entries from the front; replies how many.
//!
//! Source: Redis documentation, XTRIM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::stream::stream_of;
use crate::stream::trim_options::{Owner, TrimOptions};

const SPEC: CommandSpec = CommandSpec::new("xtrim", Group::Stream, -4)
    .summary("Deletes messages from the beginning of a stream.")
    .since("5.0.0")
    .complexity(
        "O(N), with N being the number of evicted entries. Constant times are very small \
         however, since entries are organized in macro nodes containing multiple entries that can \
         be released with a single deallocation.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .tips(&["nondeterministic_output"])
    .history(&[("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option.")])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "trim",
            &[
                Arg::one_of(
                    "strategy",
                    &[
                        Arg::literal("maxlen", "MAXLEN"),
                        Arg::literal("minid", "MINID").since("6.2.0"),
                    ],
                ),
                Arg::one_of(
                    "operator",
                    &[Arg::literal("equal", "="), Arg::literal("approximately", "~")],
                )
                .optional(),
                Arg::string("threshold"),
                Arg::integer("count").token("LIMIT").optional().since("6.2.0"),
            ],
        ),
    ]);

/// XTRIM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let options = TrimOptions::parse(cx, args, Owner::Xtrim)?;
    let words = options.trim.ok_or(CommandError::Syntax)?;
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let mut removed = 0;
    if stream_of(&slot)?.log.may_trim(&words.trim) {
        let stream = slot.value_mut().into_stream().ok_or(CommandError::WrongType)?;
        removed = stream.log.trim(&words.trim);
        if removed > 0 {
            if let Some(exact) = words.exact(&stream.log) {
                cx.effects.rewrite_some(args.words(), &exact.words());
            }
            cx.effects.changed(removed);
            cx.effects.notify(KeyEventClass::STREAM, "xtrim", cx.db, key);
        }
    }
    cx.reply.integer(removed as i64);
    Ok(())
}
