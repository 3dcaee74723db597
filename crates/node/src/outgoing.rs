//! Replies on their way out.

use std::ops::Deref;

use dunlin_resp::Output;

/// What a connection still has to send: its bytes to look at, and the count of those that went.
pub struct Outgoing<'a> {
    pub(crate) output: &'a mut Output,
    /// Bytes sent by the server so far.
    pub(crate) sent_bytes: &'a mut u64,
}

impl Outgoing<'_> {
    /// The first `bytes` were written.
    pub fn advance(&mut self, bytes: usize) {
        self.output.advance(bytes);
        *self.sent_bytes += bytes as u64;
    }
}

impl Deref for Outgoing<'_> {
    type Target = Output;

    fn deref(&self) -> &Output {
        self.output
    }
}
