//! `GEODIST key member1 member2 [M|KM|FT|MI]`
//!
//! Replies the way between two members, in metres or another unit; nil if one is missing.
//!
//! Source: Redis documentation, GEODIST.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::geo::Position;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::geo::{reply_distance, unit_m};

const SPEC: CommandSpec = CommandSpec::new("geodist", Group::Geo, -4)
    .summary("Returns the distance between two members of a geospatial index.")
    .since("3.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::GEO])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::string("member1"),
        Arg::string("member2"),
        Arg::one_of(
            "unit",
            &[
                Arg::literal("m", "M"),
                Arg::literal("km", "KM"),
                Arg::literal("ft", "FT"),
                Arg::literal("mi", "MI"),
            ],
        )
        .optional(),
    ]);

/// GEODIST's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let unit = match args.len() {
        4 => 1.0,
        5 => unit_m(args.get(4))?,
        _ => return Err(CommandError::Syntax),
    };
    let distance = match cx.keyspace.get(cx.db, args.get(1)) {
        None => None,
        Some(entry) => {
            let set = entry.sorted_set().ok_or(CommandError::WrongType)?;
            match (set.score(args.get(2)), set.score(args.get(3))) {
                (Some(from), Some(to)) => {
                    Some(Position::of_score(from).distance_m(Position::of_score(to)))
                }
                _ => None,
            }
        }
    };
    match distance {
        Some(distance) => reply_distance(cx.reply, distance / unit),
        None => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn distances_come_in_units() {
        let mut trial = Trial::new();
        trial.run("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
        trial.check(&[
            ("GEODIST s Palermo Catania", "$11\r\n166274.1516"),
            ("GEODIST s Palermo Catania KM", "$8\r\n166.2742"),
            ("GEODIST s Palermo Catania mi", "$8\r\n103.3182"),
            ("GEODIST s Palermo Palermo", "$6\r\n0.0000"),
            ("GEODIST s Palermo nosuch", "$-1"),
            ("GEODIST nosuch a b", "$-1"),
            ("GEODIST s a b c d", "-ERR syntax error"),
            ("GEODIST s a b x", "-ERR unsupported unit provided. please use M, KM, FT, MI"),
        ]);
    }
}
