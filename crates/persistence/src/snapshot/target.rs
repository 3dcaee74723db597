//! What the command thread sees of a snapshot's targets while they are written, and asks of them.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How far a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// There is more for it than it has taken.
    Behind,
    /// It has taken all there is at present.
    CaughtUp,
    /// It gets the rest from a file of its own: nobody waits for it.
    Detoured,
    /// It is complete, or will not be.
    Ended,
}

impl Pace {
    const ALL: [Self; 4] = [Self::Behind, Self::CaughtUp, Self::Detoured, Self::Ended];
}

/// The link between the command thread and a target.
#[derive(Debug, Default)]
pub(super) struct TargetLink {
    taken_bytes: AtomicU64,
    /// Index into [`Pace::ALL`].
    pace: AtomicU8,
    wants_detour: AtomicBool,
    /// See [`publication`].
    publication: AtomicU8,
}

/// Whether a target may still be taken back. It is either cancelled or published, never both: whoever
/// comes first has it.
mod publication {
    pub(super) const OPEN: u8 = 0;
    pub(super) const CANCELLED: u8 = 1;
    /// The writer is in the middle of it.
    pub(super) const BEGUN: u8 = 2;
    pub(super) const OVER: u8 = 3;
}

impl TargetLink {
    /// Bytes that it has taken.
    pub(super) fn taken_bytes(&self) -> u64 {
        self.taken_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count_taken(&self, bytes: usize) {
        self.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn pace(&self) -> Pace {
        Pace::ALL[usize::from(self.pace.load(Ordering::Relaxed))]
    }

    pub(super) fn set_pace(&self, pace: Pace) {
        self.pace.store(pace as u8, Ordering::Relaxed);
    }

    pub(super) fn wants_detour(&self) -> bool {
        self.wants_detour.load(Ordering::Relaxed)
    }

    pub(super) fn ask_for_detour(&self) {
        self.wants_detour.store(true, Ordering::Relaxed);
    }

    /// Takes the target back; whether that is still possible.
    pub(super) fn cancel(&self) -> bool {
        self.exchange(publication::OPEN, publication::CANCELLED) || self.is_cancelled()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.publication.load(Ordering::Acquire) == publication::CANCELLED
    }

    /// The target is about to be there for others to see; `false` if it is not to be.
    pub(super) fn begin_publication(&self) -> bool {
        self.exchange(publication::OPEN, publication::BEGUN)
    }

    /// It is there, or could not be.
    pub(super) fn end_publication(&self) {
        let begun = publication::BEGUN;
        self.exchange(begun, publication::OVER);
    }

    /// Whether it is on the way to be there, and will be in a moment.
    pub(super) fn is_being_published(&self) -> bool {
        self.publication.load(Ordering::Acquire) == publication::BEGUN
    }

    fn exchange(&self, from: u8, to: u8) -> bool {
        self.publication.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cancelled_is_never_published() {
        let link = TargetLink::default();
        assert!(link.cancel() && link.cancel());
        assert!(link.is_cancelled() && !link.begin_publication());

        let link = TargetLink::default();
        assert!(link.begin_publication() && link.is_being_published());
        assert!(!link.cancel());
        link.end_publication();
        assert!(!link.is_being_published() && !link.cancel() && !link.is_cancelled());
    }

    #[test]
    fn the_pace_is_what_was_set() {
        let link = TargetLink::default();
        assert_eq!(link.pace(), Pace::Behind);
        for pace in Pace::ALL {
            link.set_pace(pace);
            assert_eq!(link.pace(), pace);
        }
    }
}
