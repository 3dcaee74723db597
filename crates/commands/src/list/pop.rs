//! What the commands that take elements away from an end of a list have in common.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_values::ValueType;
use dunlin_values::list::{End, ListLimits, ListMut};

use crate::args::Args;
use crate::blocking::{Awaited, Timeout};
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::list::{first_at, list_limits, reply_range};
use crate::string::reply_string;

/// The event of a pop at an end.
pub(super) const fn pop_event(end: End) -> &'static str {
    match end {
        End::Front => "lpop",
        End::Back => "rpop",
    }
}

/// The command that pops at an end.
pub(super) const fn pop_command(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LPOP",
        End::Back => b"RPOP",
    }
}

/// What is left of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Some elements.
    Some,
    /// None: the key is gone.
    Nothing,
}

/// LPOP and RPOP.
pub(super) fn pop(cx: &mut Context<'_>, args: Args<'_>, end: End) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => Some(args.non_negative(2)?),
        _ => return Err(CommandError::WrongArity(pop_event(end).into())),
    };
    let (key, removal) = (args.get(1), Removal::of(cx));
    let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else {
        match count {
            None => cx.reply.null(),
            Some(_) => cx.reply.null_array(),
        }
        return Ok(());
    };
    let list = slot.list().ok_or(CommandError::WrongType)?;
    let len = list.len();
    let popped = match count {
        None => {
            list.get(first_at(end, len), |element| reply_string(cx.reply, element));
            1
        }
        Some(count) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(len);
            reply_range(cx.reply, list, first_at(end, len), count, end.other());
            count
        }
    };
    if popped > 0 {
        let left = removal.at_end(slot, end, popped);
        popped_from(cx, key, end, popped, left);
    }
    Ok(())
}

/// BLPOP and BRPOP.
pub(super) fn blocking_pop(cx: &mut Context<'_>, args: Args<'_>, end: End) -> CommandResult {
    let [_, keys @ .., timeout] = args.words() else { return Err(CommandError::Syntax) };
    let timeout = Timeout::seconds(timeout, cx.now)?;
    let removal = Removal::of(cx);
    for key in keys {
        let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else { continue };
        let list = slot.list().ok_or(CommandError::WrongType)?;
        cx.reply.array(2);
        cx.reply.bulk(key);
        list.get(first_at(end, list.len()), |element| reply_string(cx.reply, element));
        let left = removal.at_end(slot, end, 1);
        popped_from(cx, key, end, 1, left);
        cx.effects.rewrite(&[pop_command(end), key]);
        return Ok(());
    }
    if cx.may_block() {
        cx.block_on(keys.iter().copied(), Awaited::Value(ValueType::List), timeout);
    } else {
        cx.reply.null_array();
    }
    Ok(())
}

/// How elements are removed: what it takes from the parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal {
    limits: ListLimits,
    lazily: bool,
}

impl Removal {
    #[inline]
    pub(super) fn of(cx: &Context<'_>) -> Self {
        Self { limits: list_limits(cx), lazily: cx.config.memory.lazyfree_lazy_server_del }
    }

    /// Removes `count` elements, which exist, at an end of a list; with the last one the key.
    #[inline]
    pub(super) fn at_end(self, mut slot: Occupied<'_>, end: End, count: usize) -> Left {
        let mut list = ListMut::new(slot.value_mut(), self.limits);
        let len = list.len();
        if count >= len {
            slot.delete(self.lazily);
            return Left::Nothing;
        }
        let start = match end {
            End::Front => 0,
            End::Back => len - count,
        };
        list.remove_range(start, count);
        Left::Some
    }
}

/// Counts and tells what was popped.
#[inline]
pub(super) fn popped_from(cx: &mut Context<'_>, key: &[u8], end: End, popped: usize, left: Left) {
    cx.effects.changed(popped as u64);
    cx.notify(KeyEventClass::LIST, pop_event(end), cx.db, key);
    if left == Left::Nothing {
        cx.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn elements_leave_from_either_end_and_the_key_with_the_last() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LPOP l", "$-1"),
            ("LPOP l 0", "*-1"),
            ("RPUSH l a b c d e", ":5"),
            ("LPOP l", "$1\r\na"),
            ("RPOP l 2", "*2\r\n$1\r\ne\r\n$1\r\nd"),
            ("LPOP l 0", "*0"),
            ("LPOP l -1", "-ERR value is out of range, must be positive"),
            ("LPOP l x", "-ERR value is out of range, must be positive"),
            ("LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"),
            ("LPOP l 9", "*2\r\n$1\r\nb\r\n$1\r\nc"),
            ("EXISTS l", ":0"),
        ]);
        assert_eq!(trial.events(), ["rpush l", "lpop l", "rpop l", "lpop l", "del l"]);
        assert_eq!(trial.propagated(), ["RPUSH l a b c d e", "LPOP l", "RPOP l 2", "LPOP l 9"]);
    }

    #[test]
    fn a_blocking_pop_is_repeated_as_a_plain_one() {
        let mut trial = Trial::new();
        trial.check(&[
            ("BLPOP l m 0", "*-1"),
            ("RPUSH m a b", ":2"),
            ("BLPOP l m x", "-ERR timeout is not a float or out of range"),
            ("BLPOP l m 0", "*2\r\n$1\r\nm\r\n$1\r\na"),
            ("BRPOP l m 0", "*2\r\n$1\r\nm\r\n$1\r\nb"),
            ("RPUSH m a b c", ":3"),
            ("BLMPOP 0 2 l m RIGHT COUNT 2", "*2\r\n$1\r\nm\r\n*2\r\n$1\r\nc\r\n$1\r\nb"),
        ]);
        let propagated = ["RPUSH m a b", "LPOP m", "RPOP m", "RPUSH m a b c", "RPOP m 2"];
        assert_eq!(trial.propagated(), propagated);
        let mut client = Trial::of_client();
        assert_eq!(client.run("BLPOP l m 0"), "", "it waits");
    }
}
