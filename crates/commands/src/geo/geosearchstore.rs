//! `GEOSEARCHSTORE destination source <FROMMEMBER member|FROMLONLAT longitude latitude> <BYRADIUS
//! radius <M|KM|FT|MI>|BYBOX width height <M|KM|FT|MI>> [ASC|DESC] [COUNT count [ANY]] [STOREDIST]`
//!
//! Makes a key hold the members in a circle or rectangle around a position or one of them.
//!
//! Source: Redis documentation, GEOSEARCHSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::geo::query::{Family, run_query};

const SPEC: CommandSpec = CommandSpec::new("geosearchstore", Group::Geo, -8)
    .summary(
        "Queries a geospatial index for members inside an area of a box or a circle, optionally \
         stores the result.",
    )
    .since("6.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area \
         around the shape provided as the filter and M is the number of items inside the shape",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::GEO])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
    ])
    .history(&[("7.0.0", "Added support for uppercase unit names.")])
    .args(&[
        Arg::key("destination", 0),
        Arg::key("source", 1),
        Arg::one_of(
            "from",
            &[
                Arg::string("member").token("FROMMEMBER"),
                Arg::block("fromlonlat", &[Arg::double("longitude"), Arg::double("latitude")])
                    .token("FROMLONLAT"),
            ],
        ),
        Arg::one_of(
            "by",
            &[
                Arg::block(
                    "circle",
                    &[
                        Arg::double("radius").token("BYRADIUS"),
                        Arg::one_of(
                            "unit",
                            &[
                                Arg::literal("m", "M"),
                                Arg::literal("km", "KM"),
                                Arg::literal("ft", "FT"),
                                Arg::literal("mi", "MI"),
                            ],
                        ),
                    ],
                ),
                Arg::block(
                    "box",
                    &[
                        Arg::double("width").token("BYBOX"),
                        Arg::double("height"),
                        Arg::one_of(
                            "unit",
                            &[
                                Arg::literal("m", "M"),
                                Arg::literal("km", "KM"),
                                Arg::literal("ft", "FT"),
                                Arg::literal("mi", "MI"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        Arg::one_of("order", &[Arg::literal("asc", "ASC"), Arg::literal("desc", "DESC")])
            .optional(),
        Arg::block(
            "count-block",
            &[Arg::integer("count").token("COUNT"), Arg::literal("any", "ANY").optional()],
        )
        .optional(),
        Arg::literal("storedist", "STOREDIST").optional(),
    ]);

/// GEOSEARCHSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run_query(cx, args, Family::SEARCH_STORE)
}
