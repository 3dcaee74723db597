//! Encodes entries on the command thread.

use std::sync::Arc;

use dunlin_keyspace::{DatabaseAtStart, DatabaseIndex, Emitter, LargeKey, SnapshotSink};
use dunlin_rdb::{Draft, LargeForm, WriteOptions};
use dunlin_values::{AccessHint, Entry, FrozenItem};

use super::chunk::{Chunk, Records};
use super::commands::CommandWriter;
use super::form::Form;
use super::queue::{ChunkQueue, GivenUp};

/// Encodes the entries of a snapshot and hands them to its writer in chunks. Costs a copy of the
/// bytes; compression is the writer's.
///
/// [`SnapshotSink::complete`] lets the writer complete the file; an encoder that is dropped before
/// cancels it.
#[must_use = "a snapshot whose encoder is dropped is cancelled"]
pub struct Encoder {
    queue: Arc<ChunkQueue>,
    options: Option<WriteOptions>,
    /// Writes entries, where there are no options for records.
    commands: CommandWriter,
    /// Writes the large collection in progress: entries of the barrier come in between.
    large_commands: CommandWriter,
    walk: Open,
    barrier: Open,
    large: Option<Large>,
    /// What is to be told of each database when it is first named.
    sizes: Vec<DatabaseAtStart>,
    is_complete: bool,
}

/// A large collection in progress.
#[derive(Clone, Copy)]
struct Large {
    db: DatabaseIndex,
    /// How its items are written as records.
    form: Option<LargeForm>,
}

/// A chunk that is being filled.
struct Open {
    chunk: Chunk,
    /// The database that was named last.
    db: Option<DatabaseIndex>,
}

impl Open {
    /// Names a database, if it was not named last.
    fn select(&mut self, db: DatabaseIndex, sizes: &mut Vec<DatabaseAtStart>) {
        if self.db.replace(db) == Some(db) {
            return;
        }
        match &mut self.chunk.records {
            Records::Commands(out) => CommandWriter::select(out, db),
            Records::Rdb(draft) => {
                draft.select_db(u64::from(db));
                if let Some(at) = sizes.iter().position(|size| size.db == db) {
                    let size = sizes.swap_remove(at);
                    draft.resize_db(size.keys as u64, size.with_deadline as u64);
                }
            }
        }
    }
}

impl Encoder {
    pub(super) fn new(
        queue: Arc<ChunkQueue>,
        form: &Form,
        databases: Vec<DatabaseAtStart>,
    ) -> Self {
        let options = form.write_options();
        let open = || Open { chunk: empty_chunk(options.is_some()), db: None };
        Self {
            queue,
            options,
            commands: CommandWriter::default(),
            large_commands: CommandWriter::default(),
            walk: open(),
            barrier: open(),
            large: None,
            sizes: databases,
            is_complete: false,
        }
    }

    /// Gives the chunk of an emitter to the writer, if there is anything in it.
    fn hand_over(&mut self, from: Emitter) {
        let open = match from {
            Emitter::Walk => &mut self.walk,
            Emitter::Barrier => &mut self.barrier,
        };
        if open.chunk.is_empty() {
            return;
        }
        let fresh = self.queue.spare().unwrap_or_else(|| empty_chunk(self.options.is_some()));
        let chunk = std::mem::replace(&mut open.chunk, fresh);
        // What goes on right behind needs no name of its database again.
        if !chunk.continues {
            open.db = None;
        }
        self.queue.push(from, chunk);
    }

    /// As [`Encoder::hand_over`], once the chunk is full.
    fn hand_over_if_full(&mut self, from: Emitter) {
        let chunk = match from {
            Emitter::Walk => &self.walk.chunk,
            Emitter::Barrier => &self.barrier.chunk,
        };
        if chunk.is_full() {
            self.hand_over(from);
        }
    }
}

impl SnapshotSink for Encoder {
    fn entry(&mut self, db: DatabaseIndex, entry: &Entry, access: AccessHint, from: Emitter) {
        if self.queue.is_given_up() {
            return;
        }
        let open = match from {
            Emitter::Walk => &mut self.walk,
            Emitter::Barrier => &mut self.barrier,
        };
        open.select(db, &mut self.sizes);
        let before = open.chunk.len_bytes();
        match (&mut open.chunk.records, &self.options) {
            (Records::Rdb(draft), Some(options)) => draft.entry(entry, access, options),
            (Records::Commands(out), _) => self.commands.entry(out, entry),
            (Records::Rdb(_), None) => unreachable!("drafts are made where there are options"),
        }
        if from == Emitter::Barrier {
            self.queue.count_copied(open.chunk.len_bytes() - before);
        }
        self.hand_over_if_full(from);
    }

    fn begin_large(&mut self, large: LargeKey<'_>) {
        self.walk.select(large.db, &mut self.sizes);
        let form = match (&mut self.walk.chunk.records, &self.options) {
            (Records::Rdb(draft), Some(options)) => {
                let LargeKey { key, deadline, access, header, .. } = large;
                Some(draft.begin_large(key, deadline, access, header, options))
            }
            _ => {
                self.large_commands.begin_large(&large);
                None
            }
        };
        self.large = Some(Large { db: large.db, form });
    }

    fn item(&mut self, item: FrozenItem<'_>) {
        let Some(large) = self.large.filter(|_| !self.queue.is_given_up()) else { return };
        // Names the database in a chunk of commands that has just begun; records go on.
        self.walk.select(large.db, &mut self.sizes);
        match (&mut self.walk.chunk.records, large.form) {
            (Records::Rdb(draft), Some(form)) => draft.item(form, item),
            (Records::Rdb(_), None) => unreachable!("records of a large collection have a form"),
            (Records::Commands(out), _) => self.large_commands.item(out, item),
        }
        // Commands stand for themselves, pieces of a record do not.
        self.walk.chunk.continues = large.form.is_some();
        self.hand_over_if_full(Emitter::Walk);
    }

    fn end_large(&mut self) {
        let Some(large) = self.large.take() else { return };
        self.walk.chunk.continues = false;
        self.walk.select(large.db, &mut self.sizes);
        if let Records::Commands(out) = &mut self.walk.chunk.records {
            self.large_commands.end_large(out);
        }
        if large.form.is_some() && self.walk.chunk.is_empty() {
            // The last piece has gone already as one that is to be continued: a run ends with a
            // chunk that is not.
            self.walk.db = None;
            self.walk.select(large.db, &mut self.sizes);
        }
        self.hand_over_if_full(Emitter::Walk);
    }

    fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    fn complete(&mut self) {
        if !self.is_complete {
            self.is_complete = true;
            self.hand_over(Emitter::Walk);
            self.hand_over(Emitter::Barrier);
            self.queue.close();
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if !self.is_complete {
            self.queue.give_up(GivenUp::Cancelled);
        }
    }
}

fn empty_chunk(is_rdb: bool) -> Chunk {
    let records = if is_rdb { Records::Rdb(Draft::new()) } else { Records::Commands(Vec::new()) };
    Chunk::new(records)
}
