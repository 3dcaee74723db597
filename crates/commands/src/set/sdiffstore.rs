//! `SDIFFSTORE destination key [key ...]`
//!
//! Makes a key hold the members of the first set that no other has; replies how many those are.
//!
//! Source: Redis documentation, SDIFFSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::Entry;
use dunlin_values::set::SetLimits;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::{difference, store_combined};

const SPEC: CommandSpec = CommandSpec::new("sdiffstore", Group::Set, -3)
    .summary("Stores the difference of multiple sets in a key.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1),
    ])
    .args(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]);

/// SDIFFSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (destination, keys) = (args.get(1), &args.words()[2..]);
    store_combined(cx, destination, keys, "sdiffstore", |sets, limits| {
        if keys[1..].contains(&keys[0]) {
            // A set without itself is empty.
            return Entry::new(destination, SetLimits::NO_INTS, None);
        }
        difference(sets, destination, limits)
    })
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_result_replaces_what_was_there() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2 3");
        trial.run("SADD b 2");
        trial.forget();
        trial.check(&[
            ("SDIFFSTORE c a b", ":2"),
            ("OBJECT ENCODING c", "$6\r\nintset"),
            ("SDIFFSTORE c a a", ":0"),
            ("EXISTS c", ":0"),
        ]);
        assert_eq!(trial.events(), ["sdiffstore c", "del c"]);
    }
}
