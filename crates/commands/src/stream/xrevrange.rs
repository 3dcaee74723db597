//! `XREVRANGE key end start [COUNT count]`
//!
//! Replies the entries of a range of IDs, newest first.
//!
//! Source: Redis documentation, XREVRANGE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::stream::Direction;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::stream::range;

const SPEC: CommandSpec = CommandSpec::new("xrevrange", Group::Stream, -4)
    .summary("Returns the messages from a stream within a range of IDs in reverse order.")
    .since("5.0.0")
    .complexity(
        "O(N) with N being the number of elements returned. If N is constant (e.g. always asking \
         for the first 10 elements with COUNT), you can consider it O(1).",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("6.2.0", "Added exclusive ranges.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("end"),
        Arg::string("start"),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// XREVRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    range::run(cx, args, Direction::Backward)
}
