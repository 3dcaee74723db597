//! GETDEL key
//!
//! Replies the string a key holds, or nil, and removes the key; propagated as DEL.
//!
//! Source: Redis documentation, GETDEL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandResult;
use crate::string::{Found, reply_value};

const SPEC: CommandSpec = CommandSpec::new("getdel", Group::String, 2)
    .summary("Returns the string value of a key after deleting the key.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0)]);

/// GETDEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    if reply_value(cx, key)? == Found::Yes {
        remove(cx, key, false);
    }
    Ok(())
}

/// Removes a key that exists and propagates that, as UNLINK if the value is dropped elsewhere.
pub(super) fn remove(cx: &mut Context<'_>, key: &[u8], lazily: bool) {
    if cx.keyspace.delete(cx.db, key, lazily) {
        cx.changed(KeyEventClass::GENERIC, "del", key);
        cx.effects.rewrite(&[if lazily { b"UNLINK" } else { b"DEL" }, key]);
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_key_is_read_for_the_last_time() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GETDEL k", "$-1"),
            ("SET k v", "+OK"),
            ("GETDEL k", "$1\r\nv"),
            ("GET k", "$-1"),
        ]);
        assert_eq!(trial.events(), ["set k", "del k"]);
        assert_eq!(trial.propagated(), ["SET k v", "DEL k"]);
    }
}
