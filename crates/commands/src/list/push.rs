//! What LPUSH, RPUSH, LPUSHX and RPUSHX have in common.

use dunlin_keyspace::Slot;
use dunlin_values::list::{End, ListMut, NewList};

use crate::args::Args;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::list::{element, list_limits};

/// What happens if the list does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is created.
    Create,
    /// Nothing.
    Leave,
}

/// The event of a push at an end.
pub(super) const fn push_event(end: End) -> &'static str {
    match end {
        End::Front => "lpush",
        End::Back => "rpush",
    }
}

pub(super) fn push(
    cx: &mut Context<'_>,
    args: Args<'_>,
    end: End,
    missing: Missing,
) -> CommandResult {
    let (key, limits) = (args.get(1), list_limits(cx));
    let elements = (2..args.len()).map(|index| element(args, index));
    let len = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(_) if missing == Missing::Leave => {
            cx.reply.integer(0);
            return Ok(());
        }
        Slot::Vacant(slot) => {
            NewList::pushed(end, elements, limits).put(|value| slot.insert(value, None));
            args.len() - 2
        }
        Slot::Occupied(mut slot) => {
            slot.list().ok_or(CommandError::WrongType)?;
            let mut list = ListMut::new(slot.value_mut(), limits);
            list.push(end, elements);
            list.len()
        }
    };
    cx.effects.changed(args.len() as u64 - 2);
    cx.notify(KeyEventClass::LIST, push_event(end), cx.db, key);
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn elements_are_pushed_one_after_the_other() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LPUSHX l a", ":0"),
            ("LPUSH l a b", ":2"),
            ("RPUSH l c 1", ":4"),
            ("LPUSHX l 0", ":5"),
            ("RPUSHX l 2", ":6"),
            (
                "LRANGE l 0 -1",
                "*6\r\n$1\r\n0\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n$1\r\n1\r\n$1\r\n2",
            ),
        ]);
        assert_eq!(trial.events(), ["lpush l", "rpush l", "lpush l", "rpush l"]);
        assert_eq!(trial.propagated(), ["LPUSH l a b", "RPUSH l c 1", "LPUSHX l 0", "RPUSHX l 2"]);
    }
}
