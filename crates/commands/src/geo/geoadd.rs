//! `GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]`
//!
//! Adds places to a sorted set, as scores. Propagated as the ZADD that it is.
//!
//! Source: Redis documentation, GEOADD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::geo::position;
use crate::sorted_set::zadd;

const SPEC: CommandSpec = CommandSpec::new("geoadd", Group::Geo, -5)
    .summary(
        "Adds one or more members to a geospatial index. The key is created if it doesn't \
         exist.",
    )
    .since("3.2.0")
    .complexity(
        "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::GEO])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("6.2.0", "Added the `CH`, `NX` and `XX` options.")])
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::literal("nx", "NX"), Arg::literal("xx", "XX")])
            .optional()
            .since("6.2.0"),
        Arg::literal("change", "CH").optional().since("6.2.0"),
        Arg::block(
            "data",
            &[Arg::double("longitude"), Arg::double("latitude"), Arg::string("member")],
        )
        .multiple(),
    ]);

/// GEOADD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = args.words()[2..]
        .iter()
        .take_while(|word| OPTIONS.iter().any(|option| word.eq_ignore_ascii_case(option)))
        .count();
    let given = |option: &[u8]| {
        args.words()[2..2 + options].iter().any(|word| word.eq_ignore_ascii_case(option))
    };
    let places = &args.words()[2 + options..];
    if !places.len().is_multiple_of(3) || (given(b"NX") && given(b"XX")) {
        return Err(CommandError::Syntax);
    }
    let mut scores = Vec::with_capacity(places.len() / 3);
    for place in places.chunks_exact(3) {
        let score = position(place[0], place[1])?.score();
        scores.push(itoa::Buffer::new().format(score).as_bytes().to_vec());
    }
    let mut words: Vec<&[u8]> = vec![b"ZADD"];
    words.extend_from_slice(&args.words()[1..2 + options]);
    for (score, place) in scores.iter().zip(places.chunks_exact(3)) {
        words.extend_from_slice(&[score, place[2]]);
    }
    zadd(cx, Args::new(&words))?;
    if cx.effects.changes() > 0 {
        cx.effects.rewrite(&words);
    }
    Ok(())
}

/// Options of ZADD that a place may be added with.
const OPTIONS: [&[u8]; 3] = [b"NX", b"XX", b"CH"];

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn places_become_scores() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"),
            ("ZSCORE s Palermo", "$16\r\n3479099956230698"),
            ("GEOADD s NX CH 0 0 Palermo", ":0"),
            ("GEOADD s XX CH 0 0 Palermo 1 1 nosuch", ":1"),
            ("GEOADD s 181 0 x", "-ERR invalid longitude,latitude pair 181.000000,0.000000"),
            ("GEOADD s 0 x x", "-ERR value is not a valid float"),
            ("GEOADD s NX XX 0 0 x", "-ERR syntax error"),
            ("GEOADD s NX XX CH", "-ERR syntax error"),
        ]);
        assert_eq!(trial.events(), ["zadd s", "zadd s"]);
        let zadds = trial.propagated();
        assert_eq!(zadds[0], "ZADD s 3479099956230698 Palermo 3479447370796909 Catania");
        assert_eq!(zadds.len(), 2);
    }
}
