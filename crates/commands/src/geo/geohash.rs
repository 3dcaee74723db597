//! `GEOHASH key [member [member ...]]`
//!
//! Replies members' positions as standard geohashes.
//!
//! Source: Redis documentation, GEOHASH.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::geo::Position;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("geohash", Group::Geo, -2)
    .summary("Returns members from a geospatial index as geohash strings.")
    .since("3.2.0")
    .complexity("O(1) for each member requested.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::GEO])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("member").optional().multiple()]);

/// GEOHASH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let members = &args.words()[2..];
    let entry = cx.keyspace.get(cx.db, args.get(1));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.sorted_set().ok_or(CommandError::WrongType)?),
    };
    cx.reply.array(members.len());
    for member in members {
        match set.and_then(|set| set.score(member)) {
            Some(score) => cx.reply.bulk(&Position::of_score(score).geohash()),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn geohashes_have_eleven_letters() {
        let mut trial = Trial::new();
        trial.run("GEOADD s 13.361389 38.115556 Palermo");
        trial.check(&[
            ("GEOHASH s Palermo nosuch", "*2\r\n$11\r\nsqc8b49rny0\r\n$-1"),
            ("GEOHASH nosuch", "*0"),
        ]);
    }
}
