//! `GEORADIUS key longitude latitude radius <M|KM|FT|MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT
//! count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]`
//!
//! Replies or stores the members in a circle around a position.
//!
//! Source: Redis documentation, GEORADIUS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::geo::query::{Family, run_query};

const SPEC: CommandSpec = CommandSpec::new("georadius", Group::Geo, -6)
    .summary(
        "Queries a geospatial index for members within a distance from a coordinate, optionally \
         stores the result.",
    )
    .since("3.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::GEO])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
        KeySpec::after("STORE", 6, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::after("STOREDIST", 6, &[KeyFlags::OW, KeyFlags::UPDATE]),
    ])
    .find_keys_with(getkeys::georadius)
    .history(&[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ])
    .args(&[
        Arg::key("key", 0),
        Arg::double("longitude"),
        Arg::double("latitude"),
        Arg::double("radius"),
        Arg::one_of(
            "unit",
            &[
                Arg::literal("m", "M"),
                Arg::literal("km", "KM"),
                Arg::literal("ft", "FT"),
                Arg::literal("mi", "MI"),
            ],
        ),
        Arg::literal("withcoord", "WITHCOORD").optional(),
        Arg::literal("withdist", "WITHDIST").optional(),
        Arg::literal("withhash", "WITHHASH").optional(),
        Arg::block(
            "count-block",
            &[
                Arg::integer("count").token("COUNT"),
                Arg::literal("any", "ANY").optional().since("6.2.0"),
            ],
        )
        .optional(),
        Arg::one_of("order", &[Arg::literal("asc", "ASC"), Arg::literal("desc", "DESC")])
            .optional(),
        Arg::one_of(
            "store",
            &[
                Arg::key("storekey", 1).token("STORE").display("key"),
                Arg::key("storedistkey", 2).token("STOREDIST").display("key"),
            ],
        )
        .optional(),
    ]);

/// GEORADIUS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run_query(cx, args, Family::AROUND_POSITION)
}
