//! What LMPOP and BLMPOP have in common.

use dunlin_keyspace::Slot;
use dunlin_values::list::End;

use crate::args::Args;
use crate::context::Context;
use crate::error::CommandError;
use crate::list::pop::{Removal, pop_command, popped_from};
use crate::list::transfer::read_end;
use crate::list::{first_at, reply_range};

/// `numkeys key [key ...] <LEFT|RIGHT> [COUNT count]`
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    /// The keys, in the order in which they are tried.
    pub(super) keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> Query<'a> {
    /// Reads the words from `index` on.
    ///
    /// # Errors
    /// The counts' own, and [`CommandError::Syntax`].
    pub(super) fn read(args: Args<'a>, index: usize) -> Result<Self, CommandError> {
        let keys = positive(args.get(index), "ERR numkeys should be greater than 0")?;
        let first = index + 1;
        let end_at = first.saturating_add(keys);
        if end_at >= args.len() {
            return Err(CommandError::Syntax);
        }
        let mut query =
            Self { keys: &args.words()[first..end_at], end: read_end(args.get(end_at))?, count: 1 };
        let mut options = args.cursor(end_at + 1);
        let mut counted = false;
        while let Some(option) = options.next_word() {
            if counted || !option.eq_ignore_ascii_case(b"COUNT") {
                return Err(CommandError::Syntax);
            }
            query.count = positive(options.value()?, "ERR count should be greater than 0")?;
            counted = true;
        }
        Ok(query)
    }
}

fn positive(word: &[u8], refused: &'static str) -> Result<usize, CommandError> {
    dunlin_stdx::number::parse_i64(word)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0)
        .ok_or(CommandError::fixed(refused))
}

/// Pops from the first list there is, and replies key and elements. Whether there was one; if not,
/// nothing is replied.
///
/// # Errors
/// [`CommandError::WrongType`] if a key before holds something else.
pub(super) fn pop_first(cx: &mut Context<'_>, query: &Query<'_>) -> Result<bool, CommandError> {
    let removal = Removal::of(cx);
    let end = query.end;
    for key in query.keys {
        let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else { continue };
        let list = slot.list().ok_or(CommandError::WrongType)?;
        let popped = query.count.min(list.len());
        cx.reply.array(2);
        cx.reply.bulk(key);
        reply_range(cx.reply, list, first_at(end, list.len()), popped, end.other());
        let left = removal.at_end(slot, end, popped);
        popped_from(cx, key, end, popped, left);
        let mut digits = itoa::Buffer::new();
        cx.effects.rewrite(&[pop_command(end), key, digits.format(popped).as_bytes()]);
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_first_list_gives_up_to_count_elements() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LMPOP 2 a b LEFT", "*-1"),
            ("RPUSH b 1 2 3 4", ":4"),
            ("LMPOP 2 a b LEFT", "*2\r\n$1\r\nb\r\n*1\r\n$1\r\n1"),
            ("LMPOP 2 a b right count 2", "*2\r\n$1\r\nb\r\n*2\r\n$1\r\n4\r\n$1\r\n3"),
            ("LMPOP 0 a LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP 2 a LEFT", "-ERR syntax error"),
            ("LMPOP 9223372036854775807 a LEFT", "-ERR syntax error"),
            ("LMPOP 1 a LEFT COUNT 0", "-ERR count should be greater than 0"),
            ("LMPOP 1 a LEFT COUNT 1 COUNT 1", "-ERR syntax error"),
            ("LMPOP 1 b LEFT COUNT 9", "*2\r\n$1\r\nb\r\n*1\r\n$1\r\n2"),
            ("EXISTS b", ":0"),
        ]);
        assert_eq!(trial.propagated(), ["RPUSH b 1 2 3 4", "LPOP b 1", "RPOP b 2", "LPOP b 1"]);
        assert_eq!(trial.events(), ["rpush b", "lpop b", "rpop b", "lpop b", "del b"]);
    }
}
