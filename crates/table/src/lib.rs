//! The hash table: thin owned items, small when small, and without pauses when large.
//!
//! A [`Table`] holds items that are one pointer wide ([`ThinItem`]): the pointer's upper 16 bits
//! keep 15 bits of the item's hash and whether it has a deadline. Seven such slots and their
//! one-byte tags are a *bucket*, one cache line. Up to 127 buckets and a header line are a
//! *segment*, one allocation of at most 8 KiB. Beyond that the table has a *directory*, pages
//! of segments indexed by the upper bits of the hash. Segments grow, split, shrink and merge one
//! at a time, so no operation touches more than some 900 items.
//!
//! ```text
//! hash   | directory: `depth` bits, 0 to 24 | bucket: 10 bits |  ...  | tag: 8 bits |
//!        63                                                                        0
//! kept in the slot:   15 bits from bit `window` on, window <= depth <= window + 5
//! ```
//!
//! - **Order.** The bits below the directory's choose the bucket by scaling, `bits * buckets /
//!   1024`, so any number of buckets is in hash order, and one order holds for tables of one
//!   bucket and of a million segments. A position in it has 34 bits, which is what
//!   [`Table::scan`] uses as cursor (limit: 2^24 segments, about ten thousand million items).
//! - **Overflow.** An item whose bucket is full goes to one of the next 15 buckets, else to
//!   the segment's stash, a vector. Its home bucket keeps a mark of how far to look, which is
//!   exact again after each removal and rebuild, so marks do not pile up. Scanning, sampling and
//!   rebuilding count an item to its home.
//! - **Growth.** At 88 to 94% (spread by prefix, so that segments do not move in step) a segment
//!   takes the next of four sizes per doubling, and at 127 buckets it splits in two of 79. So
//!   segments are 72 to 94% full, see the figures below.
//!   Rebuilding needs no item: prefix, slot and tag know the hash bits that matter. Only when a
//!   split has used up the 15 bits, once in 32-fold growth, are the items read and hashed again.
//! - **Room.** A table may be made for so many items ([`Table::with_room_for`]): its segments have their
//!   final size from the beginning.
//! - **Shrinking.** Below 35% a segment merges with its buddy when both hold at most 400 items,
//!   else it gets fewer buckets. An empty table holds no memory.
//! - **Crowded hashes.** A segment whose items would nearly all go to one half (1/16 or less to
//!   the other), or whose split would make the directory more than 8 entries per segment, is not
//!   split: it keeps its 127 buckets, the rest goes to its stash, and it tries again at twice the
//!   length. Everything still works, in linear time for such hashes; a seeded hash keeps
//!   attackers from finding them.
//! - **Deadlines.** Each segment counts its items with a deadline and knows a time before which
//!   none is due; a tree over hash prefixes sums that up for the directory. Expiry and sampling
//!   among rare volatile items go straight to the right segments.
//! - **Marks.** Each segment carries a number that says what a snapshot has done there (DESIGN D6);
//!   segments of unequal marks do not merge. A snapshot goes through the table in hash order, and may
//!   stop after any bucket ([`Table::walk_segment`]).
//!
//! Hashes are computed by the caller, once per command, which also makes staged prefetching of a
//! whole batch possible: [`Table::prefetch_bucket`] for all, [`Table::prefetch_item`] for all,
//! then the look-ups.
//!
//! The table knows nothing of values, commands, clocks or random sources: times and random
//! numbers are arguments. Unsafe code is in `item` (handles from pointers), `segment` (the
//! allocation), `guard` (ownership of a borrowed item) and `table` (Send and Sync); the rest is safe over
//! the handle rules that `segment` states.
//!
//! # Measured
//!
//! Ten million keys of 16 bytes, one in a thousand with a deadline, jemalloc, on a shared virtual
//! machine with two cores (the times are rather too long):
//! `LD_PRELOAD=libjemalloc.so.2 cargo run --release -p dunlin-table --example growth`
//!
//! - Table bytes per key: 11.46 at ten million, 11.30 to 12.23 on the way there, 11.58 on average.
//! - Longest insertion 76 µs of CPU; 2,145 of ten million took over 20 µs, none over 100 µs.
//! - Insertion 339 ns on average, allocation of the item included.
//! - Look-up, each waiting for the one before: 427 ns; prefetched in batches of 16: 144 ns.
//!   A miss takes 82 and 70 ns.
//! - A random item 174 ns; one of the 10,000 with a deadline 1.1 µs; finding and removing 5,000
//!   due items 12 to 31 ms.

#![allow(unsafe_code)]

mod bucket;
mod directory;
mod expire;
mod guard;
mod item;
mod mark;
mod room;
mod sample;
mod scan;
mod segment;
mod summary;
mod table;
mod walk;

pub use guard::{ItemMut, ItemRef};
pub use item::{ThinItem, prefetch_line};
pub use mark::TableStats;
pub use scan::{CURSOR_BITS, Iter};
pub use table::{Growth, Table};
pub use walk::{SegmentWalk, Walked};
