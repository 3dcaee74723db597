//! `BLPOP key [key ...] timeout`
//!
//! Takes the first element of the first list that exists; replies its key and the element. Waits for
//! one of them if there is none.
//!
//! Source: Redis documentation, BLPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::pop::blocking_pop;

const SPEC: CommandSpec = CommandSpec::new("blpop", Group::List, -3)
    .summary(
        "Removes and returns the first element in a list. Blocks until an element is available \
         otherwise. Deletes the list if the last element was popped.",
    )
    .since("2.0.0")
    .complexity("O(N) where N is the number of provided keys.")
    .flags(&[Flags::WRITE, Flags::BLOCKING])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).to(-2)])
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .args(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]);

/// BLPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    blocking_pop(cx, args, End::Front)
}
