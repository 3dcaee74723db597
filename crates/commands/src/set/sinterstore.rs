//! `SINTERSTORE destination key [key ...]`
//!
//! Makes a key hold the members that all sets have; replies how many those are.
//!
//! Source: Redis documentation, SINTERSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::Entry;
use dunlin_values::set::SetLimits;
use dunlin_values::set::SetRef;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::{intersection, store_combined};

const SPEC: CommandSpec = CommandSpec::new("sinterstore", Group::Set, -3)
    .summary("Stores the intersect of multiple sets in a key.")
    .since("1.0.0")
    .complexity(
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
         sets.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1),
    ])
    .args(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]);

/// SINTERSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (destination, keys) = (args.get(1), &args.words()[2..]);
    store_combined(cx, destination, keys, "sinterstore", |sets, limits| {
        let mut existing: Vec<SetRef<'_>> = sets.iter().copied().flatten().collect();
        if existing.len() < sets.len() {
            return Entry::new(destination, SetLimits::NO_INTS, None);
        }
        existing.sort_by_key(|set| set.len());
        intersection(&existing, destination, limits)
    })
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_result_replaces_what_was_there() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2 3 x");
        trial.run("SADD b 2 3 y");
        trial.run("SET c v EX 100");
        trial.forget();
        trial.check(&[
            ("SINTERSTORE c a b", ":2"),
            ("TTL c", ":-1"),
            ("OBJECT ENCODING c", "$6\r\nintset"),
            ("SMEMBERS c", "*2\r\n$1\r\n2\r\n$1\r\n3"),
            ("SINTERSTORE c a nosuch", ":0"),
            ("SINTERSTORE c a nosuch", ":0"),
            ("SINTERSTORE a a b", ":2"),
        ]);
        assert_eq!(trial.events(), ["sinterstore c", "del c", "sinterstore a"]);
        assert_eq!(
            trial.propagated(),
            ["SINTERSTORE c a b", "SINTERSTORE c a nosuch", "SINTERSTORE a a b"]
        );
    }
}
