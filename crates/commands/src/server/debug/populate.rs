//! DEBUG POPULATE: many keys at once.

use std::io::Write as _;

use dunlin_keyspace::Slot;
use dunlin_stdx::number::parse_i64;
use dunlin_values::NewValue;

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const OUT_OF_RANGE: CommandError =
    CommandError::fixed("ERR value is out of range, must be positive");

/// Creates `count` keys named `prefix:n` that hold `value:n`, cut or filled with zeros to `size`;
/// keys that exist are left alone. Nothing is propagated.
pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = positive(args.get(2))?;
    let prefix = if args.len() > 3 { args.get(3) } else { b"key" };
    let size = if args.len() > 4 { positive(args.get(4))? } else { 0 };
    let size_max = cx.config.network.proto_max_bulk_len;
    let size = u64::try_from(size).ok().filter(|size| *size <= size_max).ok_or(OUT_OF_RANGE)?;
    let (mut key, mut value) = (Vec::new(), Vec::new());
    for n in 0..count {
        key.clear();
        value.clear();
        key.extend_from_slice(prefix);
        // Writing to a vector cannot fail.
        let _ = write!(key, ":{n}");
        let _ = write!(value, "value:{n}");
        if size > 0 {
            value.resize(size as usize, 0);
        }
        if let Slot::Vacant(slot) = cx.keyspace.slot(cx.db, &key) {
            slot.insert(NewValue::string(&value), None);
        }
    }
    cx.reply.ok();
    Ok(())
}

fn positive(word: &[u8]) -> Result<i64, CommandError> {
    parse_i64(word).filter(|number| *number >= 0).ok_or(OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn keys_are_made_once_and_not_propagated() {
        let mut trial = Trial::new();
        assert_eq!(trial.run("DEBUG POPULATE 3"), "+OK\r\n");
        assert_eq!(trial.run("GET key:2"), "$7\r\nvalue:2\r\n");
        assert_eq!(trial.run("DEBUG POPULATE 2 p 9"), "+OK\r\n");
        assert_eq!(trial.run("GET p:1"), "$9\r\nvalue:1\0\0\r\n");
        assert_eq!(trial.run("DEBUG POPULATE 3 p 3"), "+OK\r\n");
        assert_eq!(trial.run("GET p:1"), "$9\r\nvalue:1\0\0\r\n");
        assert_eq!(trial.run("GET p:2"), "$3\r\nval\r\n");
        assert_eq!(trial.run("DBSIZE"), ":6\r\n");
        assert!(trial.propagated().is_empty());
        let refused = "-ERR value is out of range, must be positive\r\n";
        assert_eq!(trial.run("DEBUG POPULATE -1"), refused);
        assert_eq!(trial.run("DEBUG POPULATE 1 p 99999999999999"), refused);
    }
}
