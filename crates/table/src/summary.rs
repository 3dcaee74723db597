//! What a directory knows of its segments' deadlines: a tree over hash prefixes.
//!
//! Level `k` has one node per prefix of `k` bits. A segment of depth `d` is the node of its
//! prefix on level `d`; the nodes below it stay zero, those above hold the sum of the counts and
//! the most urgent deadline of their children. So splitting a segment fills two nodes below,
//! merging clears them, and a deeper segment adds an untouched level: no node moves.

/// A node of the tree: a segment, or all segments that share a prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Node {
    /// How many bits the prefix has.
    pub(crate) depth: u32,
    /// The prefix, as a number below 2^depth.
    pub(crate) index: usize,
}

impl Node {
    pub(crate) const ROOT: Node = Node { depth: 0, index: 0 };

    /// The node of `depth` on the way to `hash`.
    pub(crate) fn on_path(depth: u32, hash: u64) -> Node {
        let index = if depth == 0 { 0 } else { (hash >> (64 - depth)) as usize };
        Node { depth, index }
    }

    /// The smallest hash with this prefix.
    pub(crate) fn first_hash(self) -> u64 {
        if self.depth == 0 { 0 } else { (self.index as u64) << (64 - self.depth) }
    }

    /// The largest hash with this prefix.
    pub(crate) fn last_hash(self) -> u64 {
        self.first_hash() | u64::MAX.checked_shr(self.depth).unwrap_or(0)
    }

    fn children(self) -> [Node; 2] {
        let depth = self.depth + 1;
        [Node { depth, index: self.index * 2 }, Node { depth, index: self.index * 2 + 1 }]
    }

    fn parent(self) -> Option<Node> {
        (self.depth > 0).then(|| Node { depth: self.depth - 1, index: self.index / 2 })
    }
}

/// What a node knows: items with a deadline, and the urgency of the earliest.
#[derive(Clone, Copy, Default)]
struct Sum {
    count: u64,
    urgency: u64,
}

/// Nodes of a level per chunk: 4 KiB.
const CHUNK: usize = 256;

/// The nodes of one level in chunks, which are absent while all their nodes are zero: a new level
/// costs next to nothing, however wide it is.
struct Level {
    chunks: Vec<Option<Box<[Sum; CHUNK]>>>,
}

impl Level {
    fn get(&self, index: usize) -> Sum {
        self.chunks[index / CHUNK].as_ref().map_or(Sum::default(), |chunk| chunk[index % CHUNK])
    }

    fn get_mut(&mut self, index: usize) -> &mut Sum {
        let chunk =
            self.chunks[index / CHUNK].get_or_insert_with(|| Box::new([Sum::default(); CHUNK]));
        &mut chunk[index % CHUNK]
    }

    fn set(&mut self, index: usize, sum: Sum) {
        if sum.count != 0 || sum.urgency != 0 || self.chunks[index / CHUNK].is_some() {
            *self.get_mut(index) = sum;
        }
    }
}

/// The tree of counts and deadlines, as deep as the deepest segment.
pub(crate) struct Summary {
    levels: Vec<Level>,
}

/// A deadline as a number that is larger the earlier it is, 0 for none: fresh zeroed memory then
/// needs no initialising.
fn urgency(deadline: i64) -> u64 {
    !((deadline as u64) ^ (1 << 63))
}

fn deadline(urgency: u64) -> i64 {
    (!urgency ^ (1 << 63)) as i64
}

impl Summary {
    /// A tree whose root is the one segment of a table without deadlines.
    pub(crate) fn new() -> Summary {
        let mut summary = Summary { levels: Vec::new() };
        summary.push_level();
        summary
    }

    /// Makes room for segments one bit deeper.
    pub(crate) fn push_level(&mut self) {
        let nodes = 1usize << self.levels.len();
        let chunks = core::iter::repeat_with(|| None).take(usize::div_ceil(nodes, CHUNK)).collect();
        self.levels.push(Level { chunks });
    }

    /// Gives up the deepest level, which is all zero.
    pub(crate) fn pop_level(&mut self) {
        self.levels.pop();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let chunks = |level: &Level| {
            let present = level.chunks.iter().flatten().count();
            level.chunks.len() * size_of::<usize>() + present * size_of::<[Sum; CHUNK]>()
        };
        self.levels.iter().map(chunks).sum()
    }

    /// Items with a deadline in all segments.
    pub(crate) fn total(&self) -> usize {
        self.count(Node::ROOT) as usize
    }

    /// Earliest deadline of all segments; never later than the truth.
    pub(crate) fn earliest(&self) -> i64 {
        self.known_earliest(Node::ROOT)
    }

    pub(crate) fn count(&self, node: Node) -> u64 {
        self.levels[node.depth as usize].get(node.index).count
    }

    /// What is known of the earliest deadline below a node.
    pub(crate) fn known_earliest(&self, node: Node) -> i64 {
        deadline(self.urgency(node))
    }

    fn urgency(&self, node: Node) -> u64 {
        self.levels[node.depth as usize].get(node.index).urgency
    }

    fn urgency_mut(&mut self, node: Node) -> &mut u64 {
        &mut self.levels[node.depth as usize].get_mut(node.index).urgency
    }

    pub(crate) fn has_children(&self, node: Node) -> bool {
        (node.depth as usize) + 1 < self.levels.len()
    }

    /// Adds to the count of a segment.
    pub(crate) fn add(&mut self, segment: Node, delta: i64) {
        let mut node = Some(segment);
        while let Some(Node { depth, index }) = node {
            let count = &mut self.levels[depth as usize].get_mut(index).count;
            *count = count.wrapping_add_signed(delta);
            node = Node { depth, index }.parent();
        }
    }

    /// Notes that a segment has an item due at `at`; stops where something earlier is known.
    pub(crate) fn note(&mut self, segment: Node, at: i64) {
        let mut node = Some(segment);
        while let Some(current) = node {
            if self.urgency(current) >= urgency(at) {
                return;
            }
            *self.urgency_mut(current) = urgency(at);
            node = current.parent();
        }
    }

    /// Replaces what is known of a segment's earliest deadline (`i64::MAX` for none).
    pub(crate) fn set_earliest(&mut self, segment: Node, at: i64) {
        if self.urgency(segment) == urgency(at) {
            return;
        }
        *self.urgency_mut(segment) = urgency(at);
        let mut node = segment;
        while let Some(parent) = node.parent() {
            let [left, right] = parent.children();
            let most_urgent = self.urgency(left).max(self.urgency(right));
            if self.urgency(parent) == most_urgent {
                return;
            }
            *self.urgency_mut(parent) = most_urgent;
            node = parent;
        }
    }

    /// A segment became two; `parts` are the counts and earliest deadlines of its halves.
    pub(crate) fn split(&mut self, segment: Node, parts: [(u64, i64); 2]) {
        for (child, (count, earliest)) in segment.children().into_iter().zip(parts) {
            let sum = Sum { count, urgency: urgency(earliest) };
            self.levels[child.depth as usize].set(child.index, sum);
        }
    }

    /// The two halves below `merged` became one segment.
    pub(crate) fn merge(&mut self, merged: Node) {
        for child in merged.children() {
            self.levels[child.depth as usize].set(child.index, Sum::default());
        }
    }

    /// The segment that holds the `rank`-th item with a deadline (in hash order of segments), and
    /// the item's rank inside it. `rank` is below [`Summary::total`].
    pub(crate) fn nth(&self, mut rank: u64) -> (Node, u64) {
        let mut node = Node::ROOT;
        while self.has_children(node) {
            let [left, right] = node.children();
            let (in_left, in_right) = (self.count(left), self.count(right));
            if in_left == 0 && in_right == 0 {
                break;
            }
            if rank < in_left {
                node = left;
            } else {
                rank -= in_left;
                node = right;
            }
        }
        (node, rank)
    }

    /// The first segment in hash order that reaches to `from` or beyond and may have items due
    /// at `now`.
    pub(crate) fn first_due(&self, from: u64, now: i64) -> Option<Node> {
        self.first_due_below(Node::ROOT, from, urgency(now).max(1))
    }

    fn first_due_below(&self, node: Node, from: u64, urgent: u64) -> Option<Node> {
        if self.urgency(node) < urgent || node.last_hash() < from {
            return None;
        }
        if self.has_children(node) {
            let [left, right] = node.children();
            if self.urgency(left) != 0 || self.urgency(right) != 0 {
                return self
                    .first_due_below(left, from, urgent)
                    .or_else(|| self.first_due_below(right, from, urgent));
            }
        }
        Some(node)
    }

    /// Panics unless each inner node is the sum of its children. For tests.
    pub(crate) fn assert_consistent(&self, node: Node) {
        if !self.has_children(node) {
            return;
        }
        let [left, right] = node.children();
        let count = self.count(left) + self.count(right);
        let urgency = self.urgency(left).max(self.urgency(right));
        assert!(count == 0 || count == self.count(node));
        assert!(urgency == 0 || urgency == self.urgency(node));
        self.assert_consistent(left);
        self.assert_consistent(right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(depth: u32, index: usize) -> Node {
        Node { depth, index }
    }

    /// Segments of prefix 0, 10 and 11.
    fn three_segments() -> Summary {
        let mut summary = Summary::new();
        summary.add(Node::ROOT, 6);
        summary.note(Node::ROOT, 50);
        summary.push_level();
        summary.split(Node::ROOT, [(1, 50), (5, 50)]);
        summary.push_level();
        summary.split(node(1, 1), [(2, 50), (3, 50)]);
        summary
    }

    #[test]
    fn ranks_lead_to_segments() {
        let summary = three_segments();
        let found: Vec<_> = (0..6).map(|rank| summary.nth(rank)).collect();
        let (a, b, c) = (node(1, 0), node(2, 2), node(2, 3));
        assert_eq!(found, [(a, 0), (b, 0), (b, 1), (c, 0), (c, 1), (c, 2)]);
    }

    #[test]
    fn due_segments_are_found_in_hash_order() {
        let mut summary = three_segments();
        summary.set_earliest(node(1, 0), 70);
        summary.set_earliest(node(2, 2), i64::MAX);
        assert_eq!(summary.earliest(), 50);
        assert_eq!(summary.first_due(0, 49), None);
        assert_eq!(summary.first_due(0, 50), Some(node(2, 3)));
        assert_eq!(summary.first_due(0, 70), Some(node(1, 0)));
        assert_eq!(summary.first_due(1 << 63, 70), Some(node(2, 3)));
        summary.set_earliest(node(2, 3), 90);
        assert_eq!(summary.earliest(), 70);
        summary.note(node(2, 2), -5);
        assert_eq!(summary.earliest(), -5);
        summary.merge(node(1, 1));
        assert_eq!(summary.first_due(0, 0), Some(node(1, 1)));
        assert_eq!(summary.total(), 6);
    }

    #[test]
    fn prefixes_cover_their_hashes() {
        assert_eq!(Node::ROOT.last_hash(), u64::MAX);
        assert_eq!(node(1, 1).first_hash(), 1 << 63);
        assert_eq!(node(1, 0).last_hash(), (1 << 63) - 1);
        assert_eq!(Node::on_path(2, 0b10 << 62 | 5), node(2, 2));
    }
}
