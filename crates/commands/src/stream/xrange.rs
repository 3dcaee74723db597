//! `XRANGE key start end [COUNT count]`
//!
//! Replies the entries of a range of IDs, oldest first.
//!
//! Source: Redis documentation, XRANGE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::stream::Direction;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::stream::range;

const SPEC: CommandSpec = CommandSpec::new("xrange", Group::Stream, -4)
    .summary("Returns the messages from a stream within a range of IDs.")
    .since("5.0.0")
    .complexity(
        "O(N) with N being the number of elements being returned. If N is constant (e.g. always \
         asking for the first 10 elements with COUNT), you can consider it O(1).",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("6.2.0", "Added exclusive ranges.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("start"),
        Arg::string("end"),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// XRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    range::run(cx, args, Direction::Forward)
}
