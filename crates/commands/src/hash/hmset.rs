//! `HMSET key field value [field value ...]`
//!
//! As HSET, with another reply.
//!
//! Source: Redis documentation, HMSET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::set_fields;

const SPEC: CommandSpec = CommandSpec::new("hmset", Group::Hash, -4)
    .summary("Sets the values of multiple fields.")
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields being set.")
    .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[
        Arg::key("key", 0),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
    ]);

/// HMSET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_fields(cx, args, "hmset")?;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn fields_are_set() {
        let mut trial = Trial::new();
        trial.check(&[
            ("HMSET h a 1 b 2", "+OK"),
            ("HLEN h", ":2"),
            ("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"),
        ]);
        assert_eq!(trial.events(), ["hset h"]);
        assert_eq!(trial.propagated(), ["HMSET h a 1 b 2"]);
    }
}
