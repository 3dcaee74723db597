//! SUBSTR key start end
//!
//! The first name of GETRANGE.
//!
//! Source: Redis documentation, SUBSTR.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::command::Command;
use crate::string::getrange;

const SPEC: CommandSpec = CommandSpec::new("substr", Group::String, 4)
    .summary("Returns a substring from a string value.")
    .since("1.0.0")
    .complexity(
        "O(N) where N is the length of the returned string. The complexity is ultimately \
         determined by the returned length, but because creating a substring from an existing \
         string is very cheap, it can be considered O(1) for small strings.",
    )
    .deprecated("2.0.0", "`GETRANGE`")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("end")]);

/// SUBSTR's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, getrange::run);
