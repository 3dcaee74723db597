//! `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA]
//! [STORE destination]`
//!
//! Replies the elements of a list, set or sorted set in order: by number, by text (`ALPHA`), or by the
//! values of other keys (`BY`). With `GET` replies values of other keys instead of the elements, with
//! `STORE` keeps all that as a list and replies its length.
//!
//! Differs: Redis turns a packed sorted set into a skiplist when it is sorted, and leaves the order
//! of equal weights open where `BY`, `ALPHA` and `LIMIT` meet; here nothing is converted, and equal
//! weights keep the order of a list or sorted set and are in the order of their members for a set.
//!
//! Source: Redis documentation, SORT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::sorting::{Access, sort};

const SPEC: CommandSpec = CommandSpec::new("sort", Group::Generic, -2)
    .summary("Sorts the elements in a list, a set, or a sorted set, optionally storing the result.")
    .since("1.0.0")
    .complexity(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the \
         number of returned elements. When the elements are not sorted, complexity is O(N).",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SET, Categories::SORTEDSET, Categories::LIST, Categories::DANGEROUS])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
        KeySpec::unknown(&[KeyFlags::RO, KeyFlags::ACCESS]).notes(
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
                 derive from the content of the key we sort",
        ),
        KeySpec::unknown(&[KeyFlags::OW, KeyFlags::UPDATE]).notes(
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can \
                 appear anywhere in the argument array",
        ),
    ])
    .find_keys_with(getkeys::sort)
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
        Arg::key("destination", 2).token("STORE").optional(),
    ]);

/// SORT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    sort(cx, args, Access::MayStore)
}
