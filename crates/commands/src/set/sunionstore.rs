//! `SUNIONSTORE destination key [key ...]`
//!
//! Makes a key hold the members of any of the sets; replies how many those are.
//!
//! Source: Redis documentation, SUNIONSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::SetRef;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::{store_combined, union};

const SPEC: CommandSpec = CommandSpec::new("sunionstore", Group::Set, -3)
    .summary("Stores the union of multiple sets in a key.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1),
    ])
    .args(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]);

/// SUNIONSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (destination, keys) = (args.get(1), &args.words()[2..]);
    store_combined(cx, destination, keys, "sunionstore", |sets, limits| {
        let sets: Vec<SetRef<'_>> = sets.iter().copied().flatten().collect();
        union(&sets, destination, limits)
    })
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_result_replaces_what_was_there() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 x");
        trial.run("SADD b 1 2");
        trial.forget();
        trial.check(&[
            ("SUNIONSTORE a a b", ":3"),
            ("SCARD a", ":3"),
            ("SUNIONSTORE a nosuch", ":0"),
        ]);
        assert_eq!(trial.events(), ["sunionstore a", "del a"]);
    }
}
