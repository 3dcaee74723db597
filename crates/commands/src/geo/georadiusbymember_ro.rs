//! `GEORADIUSBYMEMBER_RO key member radius <M|KM|FT|MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT
//! count [ANY]] [ASC|DESC]`
//!
//! Replies the members in a circle around one of them.
//!
//! Source: Redis documentation, GEORADIUSBYMEMBER_RO.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::geo::query::{Family, run_query};

const SPEC: CommandSpec = CommandSpec::new("georadiusbymember_ro", Group::Geo, -5)
    .summary("Returns members from a geospatial index that are within a distance from a member.")
    .since("3.2.10")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::GEO])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::string("member"),
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
            &[Arg::integer("count").token("COUNT"), Arg::literal("any", "ANY").optional()],
        )
        .optional(),
        Arg::one_of("order", &[Arg::literal("asc", "ASC"), Arg::literal("desc", "DESC")])
            .optional(),
    ]);

/// GEORADIUSBYMEMBER_RO's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run_query(cx, args, Family::AROUND_MEMBER_RO)
}
