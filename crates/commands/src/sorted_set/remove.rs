//! Removing members: events, the key that goes with the last one, and ranges.

use std::ops::Range;

use dunlin_keyspace::{Occupied, Slot};
use dunlin_values::MemberHasher;
use dunlin_values::sorted_set::{PackedLimits, SortedSetMut};

use crate::args::Args;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::packed_limits;
use crate::sorted_set::range::{Bounds, Order};

/// What removing from a slot takes of a context, copied because the slot borrows the keyspace.
#[derive(Clone, Copy)]
pub(super) struct Removal {
    limits: PackedLimits,
    hasher: MemberHasher,
    lazily: bool,
}

impl Removal {
    pub(super) fn of(cx: &Context<'_>) -> Self {
        Self {
            limits: packed_limits(cx.config),
            hasher: cx.keyspace.member_hasher(),
            lazily: cx.config.memory.lazyfree_lazy_server_del,
        }
    }

    /// Removes members, and the key if they are all; tells how many were there, and whether they
    /// are all.
    pub(super) fn remove_members(
        self,
        mut slot: Occupied<'_>,
        members: &[&[u8]],
    ) -> Result<(usize, bool), CommandError> {
        let len = slot.sorted_set().ok_or(CommandError::WrongType)?.len();
        let set = SortedSetMut::new(slot.value_mut(), self.limits, self.hasher);
        let mut set = set.ok_or(CommandError::WrongType)?;
        let mut count = 0;
        for member in members {
            count += usize::from(set.remove(member).is_some());
            if count == len {
                slot.delete(self.lazily);
                return Ok((count, true));
            }
        }
        Ok((count, false))
    }

    /// Removes the members of existing ranks, and the key if they are all; tells whether they are.
    pub(super) fn remove_ranks(self, mut slot: Occupied<'_>, ranks: Range<usize>) -> bool {
        let is_emptied = slot.sorted_set().is_some_and(|set| set.len() == ranks.len());
        if is_emptied {
            slot.delete(self.lazily);
        } else if let Some(mut set) = SortedSetMut::new(slot.value_mut(), self.limits, self.hasher)
        {
            set.remove_ranks(ranks);
        }
        is_emptied
    }
}

/// Counts removed members and tells of them; nothing if there are none.
pub(super) fn removed(
    cx: &mut Context<'_>,
    key: &[u8],
    event: &'static str,
    count: usize,
    is_emptied: bool,
) {
    if count == 0 {
        return;
    }
    cx.effects.changed(count as u64);
    cx.notify(KeyEventClass::SORTED_SET, event, cx.db, key);
    if is_emptied {
        cx.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
}

/// Removes the members of a range; what the three ZREMRANGEBY commands share.
pub(super) fn remove_range(
    cx: &mut Context<'_>,
    args: Args<'_>,
    order: Order,
    event: &'static str,
) -> CommandResult {
    let bounds = Bounds::parse(order, args.get(2), args.get(3))?;
    let (key, removal) = (args.get(1), Removal::of(cx));
    let Slot::Occupied(slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let set = slot.sorted_set().ok_or(CommandError::WrongType)?;
    let ranks = bounds.ranks(set, false);
    let count = ranks.len();
    if count > 0 {
        let is_emptied = removal.remove_ranks(slot, ranks);
        removed(cx, key, event, count, is_emptied);
    }
    cx.reply.integer(count as i64);
    Ok(())
}
