//! Intersections of sets.

use std::ops::ControlFlow;

use crate::entry::IntText;
use crate::listpack::Element;
use crate::set::table::SetTable;
use crate::set::view::SetRef;

/// Members that are looked up together, so that their cache misses overlap.
const BATCH_LEN: usize = 16;

/// Calls `visit` with every member of `first` that all `others` have too, in the order of `first`,
/// until it breaks. O(length of `first` times number of sets).
pub fn for_each_common<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'_>],
    mut visit: impl FnMut(Element<'a>) -> ControlFlow<()>,
) {
    let mut members = first.iter();
    let mut batch = Batch { members: [None; BATCH_LEN], len: 0 };
    while batch.fill(&mut members) {
        others.iter().for_each(|other| batch.keep_common(*other));
        for member in batch.members[..batch.len].iter().flatten() {
            if visit(*member).is_break() {
                return;
            }
        }
    }
}

/// Members under examination; those that were not found are gone.
struct Batch<'a> {
    members: [Option<Element<'a>>; BATCH_LEN],
    len: usize,
}

impl<'a> Batch<'a> {
    /// Takes the next members; returns whether there are any.
    fn fill(&mut self, members: &mut impl Iterator<Item = Element<'a>>) -> bool {
        self.len = 0;
        for member in members.take(BATCH_LEN) {
            self.members[self.len] = Some(member);
            self.len += 1;
        }
        self.len > 0
    }

    /// Drops what `set` does not have.
    fn keep_common(&mut self, set: SetRef<'_>) {
        if let SetRef::Table(table) = set {
            return self.keep_in_table(table);
        }
        for place in &mut self.members[..self.len] {
            let found = place.is_some_and(|member| {
                set.contains_element(match member {
                    // A table's members are text also where they are numbers.
                    Element::Text(text) => Element::of(text),
                    number @ Element::Int(_) => number,
                })
            });
            if !found {
                *place = None;
            }
        }
    }

    fn keep_in_table(&mut self, table: &SetTable) {
        let mut digits = IntText::default();
        let mut hashes = [0; BATCH_LEN];
        for (hash, member) in hashes.iter_mut().zip(&self.members[..self.len]) {
            if let Some(member) = member {
                *hash = table.hasher().hash(member.as_bytes(&mut digits));
                table.prefetch_bucket(*hash);
            }
        }
        hashes[..self.len].iter().for_each(|hash| table.prefetch_member(*hash));
        for (hash, place) in hashes.iter().zip(&mut self.members[..self.len]) {
            let found = place
                .is_some_and(|member| table.contains_hashed(*hash, member.as_bytes(&mut digits)));
            if !found {
                *place = None;
            }
        }
    }
}
