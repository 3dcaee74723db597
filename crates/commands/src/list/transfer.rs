//! What LMOVE, RPOPLPUSH and their blocking forms have in common.

use bytes::Bytes;
use dunlin_keyspace::Slot;
use dunlin_values::list::{End, ListMut, NewList};
use dunlin_values::{StringRef, ValueType};
use smallvec::SmallVec;

use crate::args::Args;
use crate::blocking::{Awaited, Timeout};
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::list::pop::{Left, Removal, popped_from};
use crate::list::push::push_event;
use crate::list::{first_at, list_limits};
use crate::string::reply_string;

/// An element between two lists.
enum Carried {
    Int(i64),
    Bytes(SmallVec<[u8; 64]>),
    Shared(Bytes),
}

impl Carried {
    fn new(element: StringRef<'_>) -> Self {
        match element {
            StringRef::Int(number) => Self::Int(number),
            StringRef::Bytes(bytes) => Self::Bytes(SmallVec::from_slice(bytes)),
            StringRef::Shared(bytes) => Self::Shared(bytes.clone()),
        }
    }

    fn as_ref(&self) -> StringRef<'_> {
        match self {
            Self::Int(number) => StringRef::Int(*number),
            Self::Bytes(bytes) => StringRef::Bytes(bytes),
            Self::Shared(bytes) => StringRef::Shared(bytes),
        }
    }
}

/// The word LEFT or RIGHT.
///
/// # Errors
/// [`CommandError::Syntax`] for any other.
pub(super) fn read_end(word: &[u8]) -> Result<End, CommandError> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Front)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Back)
    } else {
        Err(CommandError::Syntax)
    }
}

/// Moves an element from one end to another and replies it. Whether there was one; if not, nothing
/// is replied.
///
/// # Errors
/// [`CommandError::WrongType`] for either key; then nothing changes.
pub(super) fn transfer(
    cx: &mut Context<'_>,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Result<bool, CommandError> {
    let Some(element) = element_at(cx, source, from)? else { return Ok(false) };
    let left = if source == destination {
        rotate(cx, source, from, to, &element)
    } else {
        push(cx, destination, to, &element)?;
        let removal = Removal::of(cx);
        match cx.keyspace.slot(cx.db, source) {
            Slot::Occupied(slot) => removal.at_end(slot, from, 1),
            Slot::Vacant(_) => unreachable!("it was there, and time stands still"),
        }
    };
    cx.notify(KeyEventClass::LIST, push_event(to), cx.db, destination);
    reply_string(cx.reply, element.as_ref());
    popped_from(cx, source, from, 1, left);
    Ok(true)
}

/// As [`transfer`] between the keys that are the command's first words. If there is no element, the
/// client waits for the source, or is told so.
///
/// # Errors
/// As [`transfer`].
pub(super) fn blocking_transfer(
    cx: &mut Context<'_>,
    args: Args<'_>,
    from: End,
    to: End,
    timeout: Timeout,
) -> Result<bool, CommandError> {
    let (source, destination) = (args.get(1), args.get(2));
    if transfer(cx, source, destination, from, to)? {
        return Ok(true);
    }
    if cx.may_block() {
        cx.block_on([source], Awaited::Value(ValueType::List), timeout);
    } else {
        cx.reply.null();
    }
    Ok(false)
}

/// The element at an end of a list, if there is a list.
fn element_at(cx: &mut Context<'_>, key: &[u8], end: End) -> Result<Option<Carried>, CommandError> {
    let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else { return Ok(None) };
    let list = slot.list().ok_or(CommandError::WrongType)?;
    Ok(list.get(first_at(end, list.len()), Carried::new))
}

fn push(cx: &mut Context<'_>, key: &[u8], end: End, element: &Carried) -> CommandResult {
    let limits = list_limits(cx);
    match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(slot) => {
            NewList::pushed(end, [element.as_ref()], limits).put(|value| slot.insert(value, None));
        }
        Slot::Occupied(mut slot) => {
            slot.list().ok_or(CommandError::WrongType)?;
            ListMut::new(slot.value_mut(), limits).push(end, [element.as_ref()]);
        }
    }
    Ok(())
}

fn rotate(cx: &mut Context<'_>, key: &[u8], from: End, to: End, element: &Carried) -> Left {
    let limits = list_limits(cx);
    if let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) {
        ListMut::new(slot.value_mut(), limits).rotate(from, to, element.as_ref());
    }
    Left::Some
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn an_element_moves_between_ends() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LMOVE a b LEFT RIGHT", "$-1"),
            ("RPUSH a 1 2 3", ":3"),
            ("LMOVE a b LEFT beside", "-ERR syntax error"),
            ("LMOVE a b left RIGHT", "$1\r\n1"),
            ("RPOPLPUSH a b", "$1\r\n3"),
            ("LMOVE a b RIGHT RIGHT", "$1\r\n2"),
            ("EXISTS a", ":0"),
            ("LRANGE b 0 -1", "*3\r\n$1\r\n3\r\n$1\r\n1\r\n$1\r\n2"),
            ("SET s x", "+OK"),
            (
                "LMOVE s b LEFT LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "LMOVE b s LEFT LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LLEN b", ":3"),
        ]);
        assert_eq!(
            trial.events(),
            [
                "rpush a", "rpush b", "lpop a", "lpush b", "rpop a", "rpush b", "rpop a", "del a",
                "set s"
            ]
        );
    }

    #[test]
    fn a_list_is_rotated() {
        let mut trial = Trial::new();
        trial.check(&[
            ("RPUSH a 1", ":1"),
            ("RPOPLPUSH a a", "$1\r\n1"),
            ("RPUSH a 2 x", ":3"),
            ("RPOPLPUSH a a", "$1\r\nx"),
            ("LMOVE a a LEFT LEFT", "$1\r\nx"),
            ("LMOVE a a RIGHT RIGHT", "$1\r\n2"),
            ("LRANGE a 0 -1", "*3\r\n$1\r\nx\r\n$1\r\n1\r\n$1\r\n2"),
            ("LMOVE a a LEFT RIGHT", "$1\r\nx"),
            ("LRANGE a 0 -1", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\nx"),
        ]);
        assert_eq!(trial.propagated().len(), 7);
    }

    #[test]
    fn a_blocking_move_is_repeated_as_a_plain_one() {
        let mut trial = Trial::new();
        trial.check(&[
            ("BLMOVE a b LEFT RIGHT 0", "$-1"),
            ("BRPOPLPUSH a b 0", "$-1"),
            ("RPUSH a 1 2", ":2"),
            ("BLMOVE a b left RIGHT 0", "$1\r\n1"),
            ("BRPOPLPUSH a b 0", "$1\r\n2"),
        ]);
        assert_eq!(trial.propagated(), ["RPUSH a 1 2", "LMOVE a b left RIGHT", "RPOPLPUSH a b"]);
        let mut client = Trial::of_client();
        assert_eq!(client.run("BLMOVE a b LEFT RIGHT 0"), "", "it waits");
    }
}
