//! `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC]
//! [ALPHA]`
//!
//! As SORT, without `STORE`.
//!
//! Source: Redis documentation, SORT_RO.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::sorting::{Access, sort};

const SPEC: CommandSpec = CommandSpec::new("sort_ro", Group::Generic, -2)
    .summary("Returns the sorted elements of a list, a set, or a sorted set.")
    .since("7.0.0")
    .complexity(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the \
         number of returned elements. When the elements are not sorted, complexity is O(N).",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET, Categories::SORTEDSET, Categories::LIST, Categories::DANGEROUS])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
        KeySpec::unknown(&[KeyFlags::RO, KeyFlags::ACCESS]).notes(
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
                 derive from the content of the key we sort",
        ),
    ])
    .find_keys_with(getkeys::sort_ro)
    .args(&[
        Arg::key("key", 0),
        Arg::pattern("by-pattern").token("BY").display("pattern").key_spec(1).optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional(),
        Arg::pattern("get-pattern")
            .token("GET")
            .display("pattern")
            .key_spec(1)
            .optional()
            .multiple_token(),
        Arg::one_of("order", &[Arg::literal("asc", "ASC"), Arg::literal("desc", "DESC")])
            .optional(),
        Arg::literal("sorting", "ALPHA").optional(),
    ]);

/// SORT_RO's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    sort(cx, args, Access::ReadOnly)
}
