//! Replies on their way out.

use std::ops::Deref;

use dunlin_resp::{IoSlices, Output};

/// What a connection still has to send: its bytes to look at, and the count of those that went.
pub struct Outgoing<'a> {
    pub(crate) output: &'a mut Output,
    /// Bytes sent by the server so far.
    pub(crate) sent_bytes: &'a mut u64,
    /// Bytes that may be sent, where the rest has to wait for the log.
    pub(crate) sendable: Option<&'a mut usize>,
}

impl Outgoing<'_> {
    /// Whether there is nothing that may be sent.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.sendable {
            None => self.output.is_empty(),
            Some(sendable) => **sendable == 0,
        }
    }

    /// The only slice there is, in the usual case.
    #[must_use]
    #[inline]
    pub fn single_slice(&self) -> Option<&[u8]> {
        let slice = self.output.single_slice()?;
        Some(match &self.sendable {
            None => slice,
            Some(sendable) => &slice[..slice.len().min(**sendable)],
        })
    }

    /// Fills `slices` with what is to be sent next.
    pub fn io_slices<'s>(&'s self, slices: &mut IoSlices<'s>) {
        let limit = self.sendable.as_ref().map_or(usize::MAX, |sendable| **sendable);
        self.output.io_slices_of(limit, slices);
    }

    /// The first `bytes` were written.
    pub fn advance(&mut self, bytes: usize) {
        self.output.advance(bytes);
        *self.sent_bytes += bytes as u64;
        if let Some(sendable) = &mut self.sendable {
            **sendable -= bytes;
        }
    }

    /// All bytes that may be sent, for tests.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = self.output.to_vec();
        if let Some(sendable) = &self.sendable {
            bytes.truncate(**sendable);
        }
        bytes
    }
}

impl Deref for Outgoing<'_> {
    type Target = Output;

    fn deref(&self) -> &Output {
        self.output
    }
}
