//! The set commands.

use dunlin_resp::Reply;
use dunlin_values::listpack::Element;
use dunlin_values::set::SetLimits;

use crate::command::Command;
use crate::context::Context;

mod combine;
mod sadd;
mod sample;
mod scard;
mod sdiff;
mod sdiffstore;
mod sinter;
mod sintercard;
mod sinterstore;
mod sismember;
mod smembers;
mod smismember;
mod smove;
mod spop;
mod srandmember;
mod srem;
mod sscan;
mod sunion;
mod sunionstore;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    sadd::COMMAND,
    scard::COMMAND,
    sdiff::COMMAND,
    sdiffstore::COMMAND,
    sinter::COMMAND,
    sintercard::COMMAND,
    sinterstore::COMMAND,
    sismember::COMMAND,
    smembers::COMMAND,
    smismember::COMMAND,
    smove::COMMAND,
    spop::COMMAND,
    srandmember::COMMAND,
    srem::COMMAND,
    sscan::COMMAND,
    sunion::COMMAND,
    sunionstore::COMMAND,
];

/// The limits that the configuration sets, for sets that are edited.
fn limits(cx: &Context<'_>) -> SetLimits {
    /// A limit beyond what memory holds is none.
    fn len(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
    let encodings = &cx.config.encodings;
    SetLimits {
        intset_len: len(encodings.set_max_intset_entries),
        listpack_len: len(encodings.set_max_listpack_entries),
        listpack_member_len: len(encodings.set_max_listpack_value),
        hasher: cx.keyspace.member_hasher(),
    }
}

/// Replies one member.
#[inline]
fn reply_member(reply: &mut Reply, member: Element<'_>) {
    match member {
        Element::Int(number) => reply.bulk_integer(number),
        Element::Text(text) => reply.bulk(text),
    }
}

/// Replies members one behind the other. Stops when nobody will read what follows.
fn reply_members<'a>(reply: &mut Reply, members: impl Iterator<Item = Element<'a>>) {
    for member in members {
        if reply.output.has_overflowed() {
            return;
        }
        reply_member(reply, member);
    }
}
