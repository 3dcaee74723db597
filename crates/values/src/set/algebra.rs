//! Intersections and differences of sets.

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
    visit: impl FnMut(Element<'a>) -> ControlFlow<()>,
) {
    for_each_that(first, others, Wanted::Present, visit);
}

/// Calls `visit` with every member of `first` that none of `others` has, in the order of `first`,
/// until it breaks. O(length of `first` times number of sets).
pub fn for_each_missing<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'_>],
    visit: impl FnMut(Element<'a>) -> ControlFlow<()>,
) {
    for_each_that(first, others, Wanted::Absent, visit);
}

/// What a member must be in the other sets to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Present,
    Absent,
}

fn for_each_that<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'_>],
    wanted: Wanted,
    mut visit: impl FnMut(Element<'a>) -> ControlFlow<()>,
) {
    let mut members = first.iter();
    let mut batch = Batch { members: [None; BATCH_LEN], len: 0 };
    while batch.fill(&mut members) {
        others.iter().for_each(|other| batch.keep(*other, wanted));
        for member in batch.members[..batch.len].iter().flatten() {
            if visit(*member).is_break() {
                return;
            }
        }
    }
}

/// Members under examination; those that are not wanted are gone.
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

    /// Drops what is not as wanted in `set`.
    fn keep(&mut self, set: SetRef<'_>, wanted: Wanted) {
        if let SetRef::Table(table) = set {
            return self.keep_in_table(table, wanted);
        }
        for place in &mut self.members[..self.len] {
            let keeps = |member: &mut Element<'_>| {
                // A table's members are text also where they are numbers.
                let member = match *member {
                    Element::Text(text) => Element::of(text),
                    number @ Element::Int(_) => number,
                };
                set.contains_element(member) == (wanted == Wanted::Present)
            };
            place.take_if(|member| !keeps(member));
        }
    }

    /// Looks all members up in a table, so that the cache misses of all overlap.
    fn keep_in_table(&mut self, table: &SetTable, wanted: Wanted) {
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
            place.take_if(|member| {
                let found = table.contains_hashed(*hash, member.as_bytes(&mut digits));
                found != (wanted == Wanted::Present)
            });
        }
    }
}
