//! `GEOPOS key [member [member ...]]`
//!
//! Replies members' positions as longitude and latitude.
//!
//! Source: Redis documentation, GEOPOS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::geo::Position;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::geo::reply_position;

const SPEC: CommandSpec = CommandSpec::new("geopos", Group::Geo, -2)
    .summary("Returns the longitude and latitude of members from a geospatial index.")
    .since("3.2.0")
    .complexity("O(1) for each member requested.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::GEO])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("member").optional().multiple()]);

/// GEOPOS's entry in the command table.
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
            Some(score) => reply_position(cx.reply, Position::of_score(score)),
            None => cx.reply.null_array(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn positions_have_all_their_digits() {
        let mut trial = Trial::new();
        trial.run("GEOADD s 13.361389 38.115556 Palermo");
        trial.check(&[(
            "GEOPOS s Palermo nosuch",
            "*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n*-1",
        )]);
    }
}
