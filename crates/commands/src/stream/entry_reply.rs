//! Entries as clients see them.

use dunlin_resp::Reply;
use dunlin_values::IntText;
use dunlin_values::listpack::Element;
use dunlin_values::stream::{Entries, IdText, StreamId};

/// Writes an ID.
#[inline]
pub(super) fn reply_id(reply: &mut Reply, id: StreamId) {
    reply.bulk(id.format(&mut IdText::default()));
}

/// Writes the entry at which a walk stands: its ID, then its fields and values.
#[inline]
pub(super) fn reply_entry(reply: &mut Reply, id: StreamId, entries: &mut Entries<'_>) {
    reply.array(2);
    reply_id(reply, id);
    reply.array(2 * entries.fields_left());
    while let Some((field, value)) = entries.next_field() {
        reply_element(reply, field);
        reply_element(reply, value);
    }
}

/// Writes an array of the next `limit` entries (all of them for `None`); tells how many there were.
pub(super) fn reply_entries(
    reply: &mut Reply,
    mut entries: Entries<'_>,
    limit: Option<u64>,
) -> usize {
    let start = reply.deferred_array();
    let mut count = 0;
    while limit.is_none_or(|limit| count < limit) {
        let Some(id) = entries.next_id() else { break };
        reply_entry(reply, id, &mut entries);
        count += 1;
    }
    reply.set_array(start, count as usize);
    count as usize
}

#[inline]
fn reply_element(reply: &mut Reply, element: Element<'_>) {
    match element {
        Element::Text(text) => reply.bulk(text),
        Element::Int(_) => reply.bulk(element.as_bytes(&mut IntText::default())),
    }
}
