//! What XREAD and XREADGROUP answer: for each stream that has entries, its key and these.

use dunlin_resp::{Mark, Protocol, Reply};
use dunlin_values::stream::Entries;

use crate::stream::entry_reply::reply_entries;

/// An answer that grows stream by stream: a map, to clients that know maps.
pub(super) struct StreamsReply {
    start: Mark,
    streams: usize,
}

impl StreamsReply {
    pub(super) fn begin(reply: &mut Reply) -> Self {
        Self { start: reply.deferred_map(), streams: 0 }
    }

    /// Begins a stream: its entries follow, as an array.
    pub(super) fn key(&mut self, reply: &mut Reply, key: &[u8]) {
        self.streams += 1;
        if reply.protocol == Protocol::Resp2 {
            reply.array(2);
        }
        reply.bulk(key);
    }

    /// Adds a stream with the next `limit` entries.
    pub(super) fn stream(
        &mut self,
        reply: &mut Reply,
        key: &[u8],
        entries: Entries<'_>,
        limit: Option<u64>,
    ) {
        self.key(reply, key);
        reply_entries(reply, entries, limit);
    }

    /// Whether there is no stream so far.
    pub(super) const fn is_empty(&self) -> bool {
        self.streams == 0
    }

    /// Ends the answer; it is a null array if there is no stream.
    pub(super) fn end(self, reply: &mut Reply) {
        match (self.streams, reply.protocol) {
            (0, _) => reply.null_array(),
            (streams, Protocol::Resp2) => reply.set_array(self.start, streams),
            (streams, Protocol::Resp3) => reply.set_map(self.start, streams),
        }
    }
}
