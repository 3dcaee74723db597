//! Records on their way to the writer.

use dunlin_rdb::Draft;
use dunlin_stdx::lzf::Compressor;

/// Bytes from which a chunk is handed to the writer: large enough that a hand-over costs nothing,
/// small enough to stay in the processor's cache on the way.
pub(super) const CHUNK_BYTES: usize = 128 << 10;

/// Memory beyond which a chunk is not used again: it held a large value.
const KEPT_BYTES_MAX: usize = 2 * CHUNK_BYTES;

/// Some records.
pub(super) struct Chunk {
    pub(super) records: Records,
    /// Whether the next chunk of the walk belongs right behind this one.
    pub(super) continues: bool,
}

/// Records as the command thread has encoded them.
pub(super) enum Records {
    /// Of an RDB file.
    Rdb(Draft),
    /// Commands.
    Commands(Vec<u8>),
}

impl Chunk {
    /// An empty chunk.
    pub(super) const fn new(records: Records) -> Self {
        Self { records, continues: false }
    }

    pub(super) fn len_bytes(&self) -> usize {
        match &self.records {
            Records::Rdb(draft) => draft.len_bytes(),
            Records::Commands(bytes) => bytes.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// Whether it is to be handed to the writer.
    pub(super) fn is_full(&self) -> bool {
        self.len_bytes() >= CHUNK_BYTES
    }

    /// Forgets the records and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.continues = false;
        match &mut self.records {
            Records::Rdb(draft) => draft.clear(),
            Records::Commands(bytes) => bytes.clear(),
        }
    }

    /// Whether its memory is worth keeping.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.len_bytes() <= KEPT_BYTES_MAX
    }

    /// Appends the records as they stand in the file; strings that `compressor` makes shorter are
    /// compressed.
    pub(super) fn finish_into(&self, out: &mut Vec<u8>, compressor: Option<&mut Compressor>) {
        match &self.records {
            Records::Rdb(draft) => draft.finish(compressor, &mut |piece| {
                out.extend_from_slice(piece);
            }),
            Records::Commands(bytes) => out.extend_from_slice(bytes),
        }
    }
}
