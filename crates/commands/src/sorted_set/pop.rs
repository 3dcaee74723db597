//! What the commands that take members from an end share.

use dunlin_keyspace::Slot;
use dunlin_resp::Protocol;
use dunlin_stdx::number::parse_i64;
use dunlin_values::ValueType;

use crate::args::Args;
use crate::blocking::{Awaited, Timeout};
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::remove::{Removal, removed};
use crate::sorted_set::show;

/// The end from which members are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The lowest score.
    Min,
    /// The highest score.
    Max,
}

impl End {
    const fn event(self) -> &'static str {
        match self {
            Self::Min => "zpopmin",
            Self::Max => "zpopmax",
        }
    }

    const fn command(self) -> &'static [u8] {
        match self {
            Self::Min => b"ZPOPMIN",
            Self::Max => b"ZPOPMAX",
        }
    }
}

/// How members are replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Member and score, one behind the other: ZPOPMIN without a count.
    Flat,
    /// A pair for each member; in RESP2 one behind the other: ZPOPMIN with a count.
    Pairs,
    /// The key, the member and its score: BZPOPMIN.
    WithKey,
    /// The key and an array of pairs: ZMPOP.
    KeyAndPairs,
}

/// Takes up to `count` members from the first of the keys that exists, and replies them; tells of
/// how many and which key, or `None` if no key exists.
///
/// # Errors
/// [`CommandError::WrongType`] if a key in front of it holds something else.
fn pop_first<'k>(
    cx: &mut Context<'_>,
    keys: &[&'k [u8]],
    end: End,
    count: usize,
    shape: Shape,
) -> Result<Option<(&'k [u8], usize)>, CommandError> {
    let removal = Removal::of(cx);
    for &key in keys {
        let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else { continue };
        let set = slot.sorted_set().ok_or(CommandError::WrongType)?;
        let count = count.min(set.len());
        let ranks = match end {
            End::Min => 0..count,
            End::Max => set.len() - count..set.len(),
        };
        let reply = &mut *cx.reply;
        let nested = match shape {
            Shape::Flat => {
                reply.array(2 * count);
                false
            }
            Shape::Pairs => {
                show::header(reply, count, true);
                reply.protocol == Protocol::Resp3
            }
            Shape::WithKey => {
                reply.array(1 + 2 * count);
                reply.bulk(key);
                false
            }
            Shape::KeyAndPairs => {
                reply.array(2);
                reply.bulk(key);
                reply.array(count);
                true
            }
        };
        let members = match end {
            End::Min => set.range(ranks.clone()),
            End::Max => set.range_backwards(ranks.clone()),
        };
        for (member, score) in members {
            if nested {
                reply.array(2);
            }
            show::member(reply, member);
            reply.double(score);
        }
        if count > 0 {
            let is_emptied = removal.remove_ranks(slot, ranks);
            removed(cx, key, end.event(), count, is_emptied);
        }
        return Ok(Some((key, count)));
    }
    Ok(None)
}

/// `key [count]`: what ZPOPMIN and ZPOPMAX share.
pub(super) fn pop(cx: &mut Context<'_>, args: Args<'_>, end: End) -> CommandResult {
    let (count, shape) = match args.len() {
        2 => (1, Shape::Flat),
        3 => {
            let count = parse_i64(args.get(2)).and_then(|count| usize::try_from(count).ok());
            let negative = CommandError::fixed("ERR value is out of range, must be positive");
            (count.ok_or(negative)?, Shape::Pairs)
        }
        _ => return Err(CommandError::Syntax),
    };
    if pop_first(cx, &[args.get(1)], end, count, shape)?.is_none() {
        cx.reply.array(0);
    }
    Ok(())
}

/// `key [key ...] timeout`: what BZPOPMIN and BZPOPMAX share. Propagated without the wait.
pub(super) fn pop_or_wait(cx: &mut Context<'_>, args: Args<'_>, end: End) -> CommandResult {
    let last = args.len() - 1;
    let (keys, timeout) = (&args.words()[1..last], Timeout::seconds(args.get(last), cx.now)?);
    match pop_first(cx, keys, end, 1, Shape::WithKey)? {
        Some((key, _)) => cx.effects.rewrite(&[end.command(), key]),
        None => wait(cx, keys, timeout),
    }
    Ok(())
}

fn wait(cx: &mut Context<'_>, keys: &[&[u8]], timeout: Timeout) {
    if cx.may_block() {
        cx.block_on(keys.iter().copied(), Awaited::Value(ValueType::SortedSet), timeout);
    } else {
        cx.reply.null_array();
    }
}

/// `numkeys key [key ...] <MIN | MAX> [COUNT count]`
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> Query<'a> {
    /// Reads the words from the number of keys on, which is word `at`.
    ///
    /// # Errors
    /// [`CommandError::Syntax`], and numbers that are not positive.
    pub(super) fn parse(args: Args<'a>, at: usize) -> Result<Self, CommandError> {
        let keys = positive(args.get(at), "ERR numkeys should be greater than 0")?;
        let end_at = keys.checked_add(at + 1).filter(|end_at| *end_at < args.len());
        let end_at = end_at.ok_or(CommandError::Syntax)?;
        let end = match () {
            () if args.is(end_at, "MIN") => End::Min,
            () if args.is(end_at, "MAX") => End::Max,
            () => return Err(CommandError::Syntax),
        };
        let count = match args.len() - end_at - 1 {
            0 => 1,
            words if words >= 2 && args.is(end_at + 1, "COUNT") => {
                let refused = "ERR count should be greater than 0";
                let count = positive(args.get(end_at + 2), refused)?;
                if words > 2 {
                    return Err(CommandError::Syntax);
                }
                count
            }
            _ => return Err(CommandError::Syntax),
        };
        Ok(Self { keys: &args.words()[at + 1..end_at], end, count })
    }

    /// Takes members from the first key that exists; whether there was one. Propagated as ZPOPMIN
    /// or ZPOPMAX.
    fn run(self, cx: &mut Context<'_>) -> Result<bool, CommandError> {
        let popped = pop_first(cx, self.keys, self.end, self.count, Shape::KeyAndPairs)?;
        if let Some((key, count)) = popped {
            let count = itoa::Buffer::new().format(count).to_owned();
            cx.effects.rewrite(&[self.end.command(), key, count.as_bytes()]);
        }
        Ok(popped.is_some())
    }

    /// [`Self::run`], or nil.
    pub(super) fn pop(self, cx: &mut Context<'_>) -> CommandResult {
        if !self.run(cx)? {
            cx.reply.null_array();
        }
        Ok(())
    }

    /// [`Self::run`], or waiting until one of the keys exists.
    pub(super) fn pop_or_wait(self, cx: &mut Context<'_>, timeout: Timeout) -> CommandResult {
        if !self.run(cx)? {
            wait(cx, self.keys, timeout);
        }
        Ok(())
    }
}

fn positive(word: &[u8], refused: &'static str) -> Result<usize, CommandError> {
    parse_i64(word)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0)
        .ok_or(CommandError::fixed(refused))
}
