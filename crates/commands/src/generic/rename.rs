//! `RENAME key newkey`
//!
//! Gives a value another name, with its deadline; what had that name is gone.
//!
//! Source: Redis documentation, RENAME.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("rename", Group::Generic, 3)
    .summary("Renames a key and overwrites the destination.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::KEYSPACE])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::OW, KeyFlags::UPDATE]),
    ])
    .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]);

/// RENAME's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rename(cx, args, IfTaken::Overwrite)?;
    cx.reply.ok();
    Ok(())
}

/// What happens if the new name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfTaken {
    /// The key that has it is removed.
    Overwrite,
    /// Nothing is done.
    Leave,
}

/// Renames the key of RENAME or RENAMENX; tells whether it has the new name now and had not before.
///
/// # Errors
/// [`CommandError::NoSuchKey`].
pub(super) fn rename(
    cx: &mut Context<'_>,
    args: Args<'_>,
    if_taken: IfTaken,
) -> Result<bool, CommandError> {
    let (old, new) = (args.get(1), args.get(2));
    if cx.keyspace.peek(cx.db, old).is_none() {
        return Err(CommandError::NoSuchKey);
    }
    if old == new || if_taken == IfTaken::Leave && cx.keyspace.peek(cx.db, new).is_some() {
        return Ok(false);
    }
    let entry = cx.keyspace.take(cx.db, old).ok_or(CommandError::NoSuchKey)?;
    cx.keyspace.put(cx.db, entry.renamed(new));
    cx.notify(KeyEventClass::GENERIC, "rename_from", cx.db, old);
    cx.changed(KeyEventClass::GENERIC, "rename_to", new);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn value_and_deadline_move_to_the_new_name() {
        let mut trial = Trial::new();
        trial.run("SET a 1 EX 100");
        trial.run("SET b 2");
        trial.forget();
        assert_eq!(trial.run("RENAME a b"), "+OK\r\n");
        assert_eq!(trial.propagated(), ["RENAME a b"]);
        assert_eq!(trial.events(), ["rename_from a", "rename_to b"]);
        assert_eq!(trial.run("GET b"), "$1\r\n1\r\n");
        assert_eq!(trial.run("TTL b"), ":100\r\n");
        assert_eq!(trial.run("EXISTS a"), ":0\r\n");
        assert_eq!(trial.run("RENAME nosuch b"), "-ERR no such key\r\n");
    }

    #[test]
    fn a_name_that_stays_is_no_change() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.forget();
        assert_eq!(trial.run("RENAME a a"), "+OK\r\n");
        assert_eq!(trial.run("RENAMENX a a"), ":0\r\n");
        assert!(trial.propagated().is_empty() && trial.events().is_empty());
    }

    #[test]
    fn an_expired_key_can_neither_be_renamed_nor_be_in_the_way() {
        let mut trial = Trial::new();
        trial.run("SET a 1 PX 10");
        trial.run("SET b 2");
        trial.advance_ms(10);
        assert_eq!(trial.run("RENAMENX a c"), "-ERR no such key\r\n");
        trial.run("SET a 1 PX 10");
        trial.advance_ms(10);
        assert_eq!(trial.run("RENAMENX b a"), ":1\r\n");
    }
}
