//! `LPOP key [count]`
//!
//! Takes elements from the front of a list: one, or an array of up to `count`.
//!
//! Source: Redis documentation, LPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::pop::pop;

const SPEC: CommandSpec = CommandSpec::new("lpop", Group::List, -2)
    .summary(
        "Returns the first elements in a list after removing it. Deletes the list if the last \
         element was popped.",
    )
    .since("1.0.0")
    .complexity("O(N) where N is the number of elements returned")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .history(&[("6.2.0", "Added the `count` argument.")])
    .args(&[Arg::key("key", 0), Arg::integer("count").optional().since("6.2.0")]);

/// LPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(cx, args, End::Front)
}
