//! A large collection in pieces, where nothing changes it meanwhile.

use dunlin_keyspace::{DatabaseIndex, LargeKey};
use dunlin_stdx::lzf;
use dunlin_stdx::time::UnixMs;
use dunlin_values::list::{ListNode, ListRef};
use dunlin_values::{AccessHint, Entry, FrozenHeader, FrozenItem, IntText, Object};

/// A time before all deadlines: no field is hidden from who looks then.
const BEFORE_ALL: UnixMs = UnixMs(i64::MIN);

/// What begins the collection that `entry` holds; `None` if it is not large.
pub(super) fn large_key(
    db: DatabaseIndex,
    entry: &Entry,
    access: AccessHint,
) -> Option<LargeKey<'_>> {
    if !entry.is_large() {
        return None;
    }
    let object = entry.object()?;
    let items = match object {
        Object::List(list) => list.nodes(),
        Object::Set(set) => set.len(),
        Object::SortedSet(_) => entry.sorted_set()?.len(),
        Object::Hash(_) => entry.hash(BEFORE_ALL)?.held_len(),
        Object::Stream(stream) => stream.log.nodes(),
        Object::String(_) => return None,
    };
    let header = FrozenHeader {
        encoding: object.encoding(),
        is_hash: matches!(object, Object::Hash(_)),
        items,
        earliest_field_deadline: entry.earliest_field_deadline(),
    };
    Some(LargeKey { db, key: entry.key(), deadline: entry.deadline(), access, header })
}

/// Calls `visit` with the items of a collection that has [`large_key`].
pub(super) fn for_each_item(entry: &Entry, mut visit: impl FnMut(FrozenItem<'_>)) {
    let (mut digits, mut more_digits) = (IntText::default(), IntText::default());
    match entry.object() {
        Some(Object::List(_)) => {
            if let Some(ListRef::Quick(list)) = entry.list() {
                list.for_each_node(|node| visit_node(node, &mut visit));
            }
        }
        Some(Object::Set(set)) => set.iter().for_each(|member| visit(FrozenItem::Member(member))),
        Some(Object::SortedSet(_)) => {
            let Some(set) = entry.sorted_set() else { return };
            // The highest first, as readers like it.
            for (member, score) in set.range_backwards(0..set.len()) {
                visit(FrozenItem::Scored(member.as_bytes(&mut digits), score));
            }
        }
        Some(Object::Hash(_)) => {
            let Some(hash) = entry.hash(BEFORE_ALL) else { return };
            for field in hash.iter() {
                let (name, value) = (field.name, field.value);
                visit(FrozenItem::Field {
                    name: name.as_bytes(&mut digits),
                    value: value.as_bytes(&mut more_digits),
                    deadline: field.deadline,
                });
            }
        }
        Some(Object::Stream(stream)) => {
            for (master, bytes) in stream.log.node_bytes() {
                visit(FrozenItem::StreamNode(master, bytes));
            }
            visit(FrozenItem::StreamTail(stream));
        }
        Some(Object::String(_)) | None => {}
    }
}

fn visit_node(node: ListNode<'_>, visit: &mut impl FnMut(FrozenItem<'_>)) {
    match node {
        ListNode::Packed(listpack) => visit(FrozenItem::ListNode(listpack)),
        ListNode::Compressed { bytes, len } => {
            let listpack = lzf::decompress(bytes, len).expect("this program has compressed it");
            visit(FrozenItem::ListNode(&listpack));
        }
        ListNode::Long(element) => visit(FrozenItem::LongElement(element)),
    }
}
