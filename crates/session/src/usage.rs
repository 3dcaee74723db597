//! What a client costs: the numbers of CLIENT LIST, `maxmemory-clients` and INFO.

use dunlin_resp::Reply;

use crate::pubsub::Subscriptions;
use crate::session::Session;

/// What belongs to a session but is in use by the command that runs.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// Where the command replies.
    pub reply: &'a Reply,
    /// Sum of the lengths of the command's words, in bytes.
    pub argument_bytes: usize,
}

/// Memory of one client, in bytes unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What arrived and was not run (`qbuf`).
    pub query: usize,
    /// Room behind it (`qbuf-free`).
    pub query_free: usize,
    /// Arguments of the request under way (`argv-mem`).
    pub arguments: usize,
    /// Requests queued since MULTI (`multi-mem`).
    pub queued: usize,
    /// Capacity of the reply buffer (`rbs`).
    pub reply_buffer: usize,
    /// What waits in the reply buffer (`obl`).
    pub reply: usize,
    /// Count of full buffers and shared values in front of it (`oll`).
    pub reply_chunks: usize,
    /// Memory of these (`omem`).
    pub reply_queue: usize,
    /// All of it, the session included (`tot-mem`).
    pub total: usize,
}

impl Usage {
    /// Output that waits, in bytes of memory, as the output limits count it.
    #[must_use]
    pub const fn output(&self) -> usize {
        self.reply + self.reply_queue
    }
}

/// A session that was counted with no more than this is an idle one, give or take its name.
const LIGHT_BYTES_MAX: usize = 1024;

impl Session {
    /// Whether the client costs no more than it did when it was counted last: it holds its session
    /// and replies of less than a chunk, which leave at the end of the turn. Counting such clients
    /// again after each request would take a hundredth of the time of a request.
    #[must_use]
    #[inline]
    pub fn is_light(&self) -> bool {
        self.accounted_bytes <= LIGHT_BYTES_MAX
            && self.soft_limit_since.is_none()
            && self.paused.is_none()
            && self.subscriptions.is_none()
            && self.tracking.as_ref().is_none_or(|own| own.prefixes.is_empty())
            && self.transaction.is_none()
            && self.input.capacity() == 0
            && !self.decoder.is_partial()
            && self.reply.output.queued_chunks() == 0
            && !self.reply.output.has_overflowed()
    }

    /// What the client costs now. O(chunks of its output).
    #[must_use]
    pub fn usage(&self, running: Option<Running<'_>>) -> Usage {
        let output = &running.map_or(&self.reply, |running| running.reply).output;
        let mut usage = Usage {
            arguments: self.decoder.pending_argument_bytes()
                + running.map_or(0, |running| running.argument_bytes),
            queued: self.transaction.as_ref().map_or(0, |queued| queued.memory_bytes()),
            reply_buffer: output.tail_capacity(),
            reply: output.tail_len(),
            reply_chunks: output.queued_chunks(),
            reply_queue: output.queued_memory_bytes(),
            ..Usage::default()
        };
        let (len, capacity) = match running {
            Some(_) => (self.lent.len_bytes, self.lent.capacity_bytes),
            None => (self.input.len(), self.input.capacity()),
        };
        let mut input_memory = capacity;
        if self.decoder.receives_large() {
            let memory = self.decoder.memory_bytes();
            usage.query = self.decoder.receiving_bytes();
            usage.query_free = memory.saturating_sub(usage.query + usage.arguments);
            input_memory += memory;
        } else {
            usage.query = len;
            usage.query_free = capacity - len;
            input_memory += self.decoder.memory_bytes();
        }
        usage.total = self.fixed_bytes()
            + input_memory
            + running.map_or(0, |running| running.argument_bytes)
            + usage.queued
            + usage.reply_buffer
            + usage.reply_queue;
        usage
    }

    /// The session itself, with what it says of itself and of its requests that wait.
    fn fixed_bytes(&self) -> usize {
        size_of::<Self>()
            + self.peer.address.len()
            + self.peer.local_address.len()
            + self.name.len()
            + self.lib_name.len()
            + self.lib_version.len()
            + self.subscriptions().map_or(0, Subscriptions::memory_bytes)
            + self.tracking.as_ref().map_or(0, |own| own.memory_bytes())
            + self.watched_bytes
            + self
                .paused
                .as_ref()
                .map_or(0, |paused| size_of_val(&**paused) + paused.batch.memory_bytes())
    }
}

#[cfg(test)]
mod tests {
    use dunlin_resp::{Batch, Limits};
    use dunlin_stdx::time::Now;

    use super::*;
    use crate::session::Peer;
    use crate::sessions::ClientId;

    fn session() -> Session {
        Session::new(ClientId(1), Peer::default(), Now::default())
    }

    #[test]
    fn an_idle_client_costs_its_session_alone() {
        let usage = session().usage(None);
        assert_eq!(usage, Usage { total: size_of::<Session>(), ..Usage::default() });
    }

    #[test]
    fn a_large_argument_on_its_way_is_query() {
        let mut session = session();
        session.input = b"*1\r\n$3000001\r\n".to_vec();
        session.input.extend(vec![b'v'; 40_000]);
        let mut batch = Batch::new();
        let limits = Limits::default();
        let decoded = session.decoder.decode(&mut session.input, 0, &limits, &mut batch);
        assert_eq!(decoded.map(|progress| progress.consumed), Ok(0));
        let usage = session.usage(None);
        assert_eq!(usage.query, 40_000);
        assert!(usage.total > 3_000_001, "{usage:?}");
    }

    #[test]
    fn unsent_replies_count() {
        let mut session = session();
        session.reply.bulk(&[b'x'; 50_000]);
        session.reply.bulk(b"more");
        let usage = session.usage(None);
        assert!(usage.output() >= 50_000, "{usage:?}");
        assert!(usage.total >= size_of::<Session>() + 50_000);
    }
}
