//! The number of a snapshot, and the marks it leaves at segments.

/// The number of a snapshot; none bears 0.
///
/// A segment's mark is twice the number of the snapshot that has begun with it, and one more when
/// nothing in it is left to hand out. A mark that no snapshot has made is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

impl Epoch {
    /// The next epoch. After 2^31 of them, one each second for 68 years, numbers come again.
    pub(crate) const fn next(self) -> Self {
        let next = (self.0 + 1) & (u32::MAX >> 1);
        Self(if next == 0 { 1 } else { next })
    }

    /// The mark of a segment whose entries' bits count.
    #[inline]
    pub(crate) const fn begun(self) -> u32 {
        self.0 << 1
    }

    /// The mark of a segment of which nothing is left to hand out; no entry in it has its bit set.
    #[inline]
    pub(crate) const fn done(self) -> u32 {
        self.begun() | 1
    }

    /// Whether entries of a segment with this mark may bear bits of an epoch that was given up.
    pub(crate) const fn has_stale_bits(self, mark: u32) -> bool {
        mark & 1 == 0 && mark != 0 && mark != self.begun()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_again_without_zero() {
        let last = Epoch(u32::MAX >> 1);
        assert_eq!(last.done(), u32::MAX);
        assert_eq!(last.next(), Epoch(1));
        assert_eq!(Epoch::default().next(), Epoch(1));
    }

    #[test]
    fn only_a_begun_segment_of_another_epoch_has_stale_bits() {
        let epoch = Epoch(5);
        let marks = [0, Epoch(4).begun(), Epoch(4).done(), epoch.begun(), epoch.done()];
        assert_eq!(
            marks.map(|mark| epoch.has_stale_bits(mark)),
            [false, true, false, false, false]
        );
    }
}
