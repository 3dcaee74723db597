//! `ZDIFFSTORE destination numkeys key [key ...]`
//!
//! Makes a key hold the members of the first input that no other has. Replies how many they are.
//!
//! Source: Redis documentation, ZDIFFSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, store};

const SPEC: CommandSpec = CommandSpec::new("zdiffstore", Group::SortedSet, -4)
    .summary("Stores the difference of multiple sorted sets in a key.")
    .since("6.2.0")
    .complexity(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, \
         N is the size of the first set, and K is the size of the result set.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SORTEDSET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1),
    ])
    .args(&[Arg::key("destination", 0), Arg::integer("numkeys"), Arg::key("key", 1).multiple()]);

/// ZDIFFSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(cx, args, Operation::Difference, "zdiffstore")
}
