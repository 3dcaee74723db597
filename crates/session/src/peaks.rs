//! The largest buffers of the last seconds (`client_recent_max_input_buffer` and
//! `client_recent_max_output_buffer` of INFO).

use dunlin_stdx::time::Monotonic;

/// Seconds that count as recent.
const SECONDS: usize = 8;

/// The largest buffers seen in each of the last seconds, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct BufferPeaks {
    slots: [Slot; SECONDS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    input_bytes: usize,
    output_bytes: usize,
}

impl BufferPeaks {
    /// Takes note of the buffers of one client.
    pub fn note(&mut self, input_bytes: usize, output_bytes: usize, now: Monotonic) {
        let second = second(now);
        let slot = &mut self.slots[second as usize % SECONDS];
        if slot.second != second {
            *slot = Slot { second, ..Slot::default() };
        }
        slot.input_bytes = slot.input_bytes.max(input_bytes);
        slot.output_bytes = slot.output_bytes.max(output_bytes);
    }

    /// The largest input buffer of the last seconds, in bytes.
    #[must_use]
    pub fn input_bytes(&self, now: Monotonic) -> usize {
        self.recent(now).map(|slot| slot.input_bytes).max().unwrap_or(0)
    }

    /// The largest output buffer of the last seconds, in bytes.
    #[must_use]
    pub fn output_bytes(&self, now: Monotonic) -> usize {
        self.recent(now).map(|slot| slot.output_bytes).max().unwrap_or(0)
    }

    fn recent(&self, now: Monotonic) -> impl Iterator<Item = &Slot> {
        let now = second(now);
        self.slots.iter().filter(move |slot| slot.second + SECONDS as u64 > now)
    }
}

const fn second(now: Monotonic) -> u64 {
    now.0 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_forgotten_after_eight_seconds() {
        let at = |seconds: u64| Monotonic(seconds * 1_000_000);
        let mut peaks = BufferPeaks::default();
        peaks.note(100, 5, at(20));
        peaks.note(10, 50, at(22));
        assert_eq!((peaks.input_bytes(at(22)), peaks.output_bytes(at(22))), (100, 50));
        assert_eq!((peaks.input_bytes(at(28)), peaks.output_bytes(at(28))), (10, 50));
        assert_eq!((peaks.input_bytes(at(30)), peaks.output_bytes(at(30))), (0, 0));
        peaks.note(1, 1, at(28));
        assert_eq!(peaks.input_bytes(at(28)), 10);
    }
}
