//! The bytes of a snapshot between its header and its end.

/// Length of the mark behind a snapshot whose length was not known beforehand.
pub(super) const MARK_BYTES: usize = 40;

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Transfer {
    form: Form,
    received: u64,
}

#[derive(Debug)]
enum Form {
    /// So many bytes are missing of so many.
    Length { missing: u64, len: u64 },
    /// This mark ends it. The latest bytes are kept back, because they may be the mark.
    Mark { mark: [u8; MARK_BYTES], latest: Vec<u8>, is_complete: bool },
}

impl Transfer {
    /// A snapshot of so many bytes.
    pub(super) const fn of_length(len: u64) -> Self {
        Self { form: Form::Length { missing: len, len }, received: 0 }
    }

    /// A snapshot that ends with a mark.
    pub(super) const fn with_mark(mark: [u8; MARK_BYTES]) -> Self {
        Self { form: Form::Mark { mark, latest: Vec::new(), is_complete: false }, received: 0 }
    }

    /// Bytes that have come.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// All bytes, if that is known.
    pub(super) const fn len(&self) -> Option<u64> {
        match self.form {
            Form::Length { len, .. } => Some(len),
            Form::Mark { .. } => None,
        }
    }

    pub(super) const fn is_complete(&self) -> bool {
        match self.form {
            Form::Length { missing, .. } => missing == 0,
            Form::Mark { is_complete, .. } => is_complete,
        }
    }

    /// Takes bytes; returns how many were taken, and the part of the snapshot that is known now.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, Vec<u8>) {
        match &mut self.form {
            Form::Length { missing, .. } => {
                let taken = usize::try_from(*missing).map_or(input.len(), |m| m.min(input.len()));
                *missing -= taken as u64;
                self.received += taken as u64;
                (taken, input[..taken].to_vec())
            }
            // The primary sends nothing behind the mark before it was answered, so the mark is what
            // the bytes end with; elsewhere the same bytes are part of the snapshot.
            Form::Mark { mark, latest, is_complete } => {
                let mut bytes = std::mem::take(latest);
                bytes.extend_from_slice(input);
                let kept_from = bytes.len().saturating_sub(MARK_BYTES);
                *latest = bytes.split_off(kept_from);
                *is_complete = latest.as_slice() == mark;
                self.received += bytes.len() as u64;
                (input.len(), bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pour(transfer: &mut Transfer, bytes: &[u8], piece: usize) -> (Vec<u8>, usize) {
        let (mut payload, mut taken) = (Vec::new(), 0);
        while taken < bytes.len() && !transfer.is_complete() {
            let end = bytes.len().min(taken + piece);
            let (count, part) = transfer.take(&bytes[taken..end]);
            payload.extend(part);
            taken += count;
        }
        (payload, taken)
    }

    proptest! {
        #[test]
        fn a_snapshot_comes_out_as_it_went_in(
            snapshot in prop::collection::vec(any::<u8>(), 0..300),
            piece in 1_usize..100,
        ) {
            // As random as a primary's: one byte repeated is found early where the snapshot ends with it.
            let mark: [u8; MARK_BYTES] = *b"9f8e7d6c5b4a39281706f5e4d3c2b1a0ffeeddcc";
            let mut transfer = Transfer::with_mark(mark);
            let sent = [snapshot.as_slice(), &mark].concat();
            let (payload, taken) = pour(&mut transfer, &sent, piece);
            prop_assert_eq!((payload, taken), (snapshot.clone(), sent.len()));
            prop_assert!(transfer.is_complete());
            let mut transfer = Transfer::of_length(snapshot.len() as u64);
            let sent = [snapshot.as_slice(), b"stream"].concat();
            let (payload, taken) = pour(&mut transfer, &sent, piece);
            prop_assert_eq!(taken, snapshot.len());
            prop_assert_eq!(payload, snapshot);
        }
    }
}
