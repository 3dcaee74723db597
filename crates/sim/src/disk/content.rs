//! What a file holds: as programs see it, and as it would be found after a power loss.

use fastrand::Rng;

/// Disks write whole sectors: a torn write mostly ends at the border of one.
const SECTOR_BYTES: usize = 512;

/// A change that no sync has covered yet.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

impl Change {
    /// Units that a torn run of changes is counted in: bytes, and one for a new length.
    fn size(&self) -> usize {
        match self {
            Change::Write { bytes, .. } => bytes.len(),
            Change::Truncate { .. } => 1,
        }
    }

    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => write_at(to, *at, bytes),
            Change::Truncate { len } => to.resize(*len, 0),
        }
    }
}

fn write_at(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[at..end].copy_from_slice(bytes);
}

/// How much of what was not synced a power loss leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Nothing of it.
    Lost,
    /// All of it.
    Kept,
    /// The first part, cut at any byte.
    Prefix,
    /// The first part, cut at the border of a sector.
    Sectors,
    /// Its length, but some of its sectors were never written: zeros, or what stood there before.
    Holes,
}

impl Tear {
    /// Any of them, holes seldom.
    pub fn random(random: &mut Rng) -> Tear {
        match random.u8(..20) {
            0..=4 => Tear::Lost,
            5..=8 => Tear::Kept,
            9..=13 => Tear::Prefix,
            14..=17 => Tear::Sectors,
            _ => Tear::Holes,
        }
    }
}

/// The bytes of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    /// As every program sees it: the page cache.
    current: Vec<u8>,
    /// As it stands on the medium.
    durable: Vec<u8>,
    /// What leads from `durable` to `current`, unless a sync has failed on the way.
    pending: Vec<Change>,
    /// A sync failed with something pending: what is shown is not what is there.
    shows_dropped_bytes: bool,
}

impl Content {
    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn shows_dropped_bytes(&self) -> bool {
        self.shows_dropped_bytes
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.change(Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if len != self.current.len() {
            self.change(Change::Truncate { len });
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    /// Everything is on the medium now; but what an earlier failed sync dropped is not.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that failed: some may have reached the medium, the rest never will, although the
    /// page cache still shows it and a later sync succeeds. This is what Linux does.
    pub(super) fn fail_sync(&mut self, random: &mut Rng) {
        let tear = Tear::random(random);
        self.shows_dropped_bytes |= !self.pending.is_empty();
        self.tear(tear, random);
        self.pending.clear();
    }

    /// What is found after a power loss.
    pub(super) fn after_power_loss(mut self, tear: Tear, random: &mut Rng) -> Content {
        self.tear(tear, random);
        Content { current: self.durable.clone(), durable: self.durable, ..Content::default() }
    }

    /// Lets some of the pending changes reach the medium.
    fn tear(&mut self, tear: Tear, random: &mut Rng) {
        let total: usize = self.pending.iter().map(Change::size).sum();
        match tear {
            Tear::Lost => {}
            Tear::Kept => self.sync(),
            Tear::Prefix => self.keep_units(random.usize(..=total), false),
            Tear::Sectors => self.keep_units(random.usize(..=total), true),
            Tear::Holes => self.keep_with_holes(random),
        }
    }

    /// Applies the first `units` of the pending changes; with `sectors`, the last write is cut
    /// back to the border of a sector.
    fn keep_units(&mut self, mut units: usize, sectors: bool) {
        for change in &self.pending {
            if units >= change.size() {
                units -= change.size();
                change.apply(&mut self.durable);
                continue;
            }
            if let Change::Write { at, bytes } = change {
                let mut end = at + units;
                if sectors {
                    end -= end % SECTOR_BYTES;
                }
                if end > *at {
                    write_at(&mut self.durable, *at, &bytes[..end - at]);
                }
            }
            return;
        }
    }

    fn keep_with_holes(&mut self, random: &mut Rng) {
        for change in &self.pending {
            let Change::Write { at, bytes } = change else {
                change.apply(&mut self.durable);
                continue;
            };
            let end = at + bytes.len();
            if self.durable.len() < end {
                self.durable.resize(end, 0);
            }
            let mut from = *at;
            while from < end {
                let to = end.min(from - from % SECTOR_BYTES + SECTOR_BYTES);
                if random.u8(..4) > 0 {
                    self.durable[from..to].copy_from_slice(&bytes[from - at..to - at]);
                }
                from = to;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synced_then_pending(synced: &[u8], pending: &[u8]) -> Content {
        let mut content = Content::default();
        content.write(0, synced);
        content.sync();
        content.write(synced.len(), pending);
        content
    }

    #[test]
    fn what_was_synced_survives_every_tear() {
        for seed in 0..500 {
            let mut random = Rng::with_seed(seed);
            let content = synced_then_pending(b"synced", &[b'x'; 2000]);
            let tear = Tear::random(&mut random);
            let found = content.after_power_loss(tear, &mut random);
            assert!(found.current().starts_with(b"synced"), "seed {seed}, {tear:?}");
            assert!(found.current().len() <= 2006);
        }
    }

    #[test]
    fn each_tear_does_what_its_name_says() {
        let mut random = Rng::with_seed(1);
        let mut left = |tear| {
            let content = synced_then_pending(b"synced", &[b'x'; 2000]);
            content.after_power_loss(tear, &mut random).current().to_vec()
        };
        assert_eq!(left(Tear::Lost), b"synced");
        assert_eq!(left(Tear::Kept).len(), 2006);
        assert!((0..50).any(|_| left(Tear::Prefix).len() % SECTOR_BYTES != 0));
        for _ in 0..50 {
            let sectors = left(Tear::Sectors);
            assert!(matches!(sectors.len(), 6 | 512 | 1024 | 1536 | 2006), "{}", sectors.len());
        }
        let holes = (0..50).map(|_| left(Tear::Holes)).find(|found| found.contains(&0));
        assert_eq!(holes.expect("a hole among fifty").len(), 2006);
    }

    #[test]
    fn a_sync_after_a_failed_one_says_nothing_about_what_was_dropped() {
        let lost = (0..100).any(|seed| {
            let mut random = Rng::with_seed(seed);
            let mut content = synced_then_pending(b"synced", b"dropped");
            content.fail_sync(&mut random);
            assert_eq!(content.current(), b"synceddropped", "the page cache still shows it");
            content.write(13, b"later");
            content.sync();
            let found = content.after_power_loss(Tear::Kept, &mut random);
            assert!(found.current().starts_with(b"synced"));
            assert!(found.current().ends_with(b"later"));
            found.current() == b"synced\0\0\0\0\0\0\0later"
        });
        assert!(lost);
    }

    #[test]
    fn a_truncation_is_pending_too() {
        let mut random = Rng::with_seed(1);
        let mut content = synced_then_pending(b"synced", b"");
        content.truncate(2);
        assert_eq!(content.current(), b"sy");
        let lost = content.clone().after_power_loss(Tear::Lost, &mut random);
        assert_eq!(lost.current(), b"synced");
        assert_eq!(content.after_power_loss(Tear::Kept, &mut random).current(), b"sy");
    }
}
