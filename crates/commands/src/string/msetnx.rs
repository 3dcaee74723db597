//! `MSETNX key value [key value ...]`
//!
//! Makes each key hold its string if none of the keys exists; replies 1 if they were set, else 0.
//!
//! Source: Redis documentation, MSETNX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::mset::{check_pairs, set_all};

const SPEC: CommandSpec = CommandSpec::new("msetnx", Group::String, -3)
    .summary(
        "Atomically modifies the string values of one or more keys only when all keys don't \
         exist.",
    )
    .since("1.0.1")
    .complexity("O(N) where N is the number of keys to set.")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::INSERT]).to(-1).step(2)])
    .args(&[Arg::block("data", &[Arg::key("key", 0), Arg::string("value")]).multiple()]);

/// MSETNX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    check_pairs(args, "msetnx")?;
    let mut keys = args.words()[1..].iter().step_by(2);
    let one_exists = keys.any(|key| cx.keyspace.peek(cx.db, key).is_some());
    if !one_exists {
        set_all(cx, args);
    }
    cx.reply.integer(i64::from(!one_exists));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn all_or_nothing() {
        let mut trial = Trial::new();
        trial.check(&[
            ("MSETNX a 1 b 2 a 3", ":1"),
            ("MSETNX c 1 b 9", ":0"),
            ("EXISTS c", ":0"),
            ("GET a", "$1\r\n3"),
            ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"),
        ]);
        assert_eq!(trial.events(), ["set a", "set b", "set a"]);
        assert_eq!(trial.propagated(), ["MSETNX a 1 b 2 a 3"]);
    }
}
