//! Following a stream of changes: what one server emitted, another repeats.
//!
//! The bytes are requests as [`crate::EffectStream`] writes them. They run through the same entry
//! point as a client's, as [`Caller::Stream`]: nothing is checked that the sender has checked, and
//! deadlines mean nothing on the way, because the sender says with DEL when a key is gone. So it
//! does not matter what time the follower believes.
//!
//! The bytes may come from a damaged file or a hostile peer: whatever they are, the answer is an
//! error and never a panic, and nothing behind the fault is applied.

use std::fmt;

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, Caller};
use dunlin_keyspace::{DatabaseIndex, Expiry};
use dunlin_resp::{
    Arguments, Batch, Limits, Output, Reply, RequestDecoder, count_bytes, request_bytes,
};
use dunlin_session::Transaction;
use dunlin_spec::{CommandSpec, Flags};

use crate::engine::Engine;

/// Bytes handed to the decoder at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Longest argument taken: longer ones are a fault, not a value. A primary's own limit may be above
/// ours, up to what Redis lets anybody set for strings by default.
const ARGUMENT_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How far a stream has been followed.
#[derive(Default)]
pub struct Follower {
    decoder: RequestDecoder,
    input: Vec<u8>,
    applied: Applied,
    fault: Option<StreamFault>,
    /// Bytes taken so far.
    taken_bytes: u64,
    /// Bytes of commands that were applied, up to the end of a command or a transaction.
    applied_bytes: u64,
    /// Where requests to acknowledge stood (REPLCONF GETACK).
    asked_at: Vec<u64>,
    /// Commands that failed and were passed over, with their errors.
    failures: Vec<(String, String)>,
}

impl Follower {
    /// Follows a log as Redis does: a command that fails is passed over. It has failed when it was
    /// written, too, or what it works on was changed by hand.
    #[must_use]
    pub fn lenient() -> Self {
        Self { applied: Applied { is_lenient: true, ..Applied::default() }, ..Self::default() }
    }

    /// Follows a primary's stream, in which database `db` is selected. A command that fails is passed
    /// over, and [`Follower::take_failures`] tells of it.
    #[must_use]
    pub(crate) fn of_primary(db: DatabaseIndex) -> Self {
        let applied = Applied { db, is_lenient: true, is_of_primary: true, ..Applied::default() };
        Self { applied, ..Self::default() }
    }

    /// The database that the next command works on.
    pub(crate) const fn db(&self) -> DatabaseIndex {
        self.applied.db
    }

    /// Bytes of commands that were applied, up to the end of a command or a transaction.
    pub(crate) const fn applied_bytes(&self) -> u64 {
        self.applied_bytes
    }

    /// Where requests to acknowledge stood, once.
    pub(crate) fn take_asked_at(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.asked_at)
    }

    /// Commands that failed, with their errors, once.
    pub(crate) fn take_failures(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.failures)
    }

    /// Bytes that were taken and belong to a request that is not complete.
    fn pending_bytes(&self) -> u64 {
        (self.input.len() + self.decoder.taken_bytes()) as u64
    }
}

/// What has become of the requests of a stream.
#[derive(Default)]
struct Applied {
    /// The database that the next command works on.
    db: DatabaseIndex,
    /// Commands that were run.
    commands: u64,
    /// Whether a command that fails is passed over.
    is_lenient: bool,
    /// Whether it is a primary that sends: its commands are passed over even if they are no changes.
    is_of_primary: bool,
    /// What has come since MULTI: it is run when EXEC comes, or not at all.
    transaction: Option<Box<Transaction>>,
    /// Commands that failed and were passed over, with their errors.
    failures: Vec<(String, String)>,
}

impl Applied {
    /// A fault in a primary's stream is told of and passed over, as in Redis; elsewhere it ends the
    /// stream.
    fn pass_over(&mut self, fault: StreamFault) -> Result<(), StreamFault> {
        if !self.is_of_primary {
            return Err(fault);
        }
        self.failures.push(match fault {
            StreamFault::Foreign(name) => {
                let error = format!("ERR unknown command '{name}'");
                (name, error)
            }
            StreamFault::Refused(name, error) => (name, error),
            fault @ StreamFault::Protocol(_) => return Err(fault),
        });
        Ok(())
    }
}

impl Follower {
    /// Number of commands that were applied.
    #[must_use]
    pub const fn commands(&self) -> u64 {
        self.applied.commands
    }

    /// Whether the bytes so far end with a command or a transaction, and not within one.
    #[must_use]
    pub fn is_at_end_of_command(&self) -> bool {
        self.input.is_empty()
            && !self.decoder.receives_large()
            && self.applied.transaction.is_none()
    }
}

/// Why a stream cannot be followed further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// The bytes are no requests.
    Protocol(String),
    /// A command that no stream of changes holds; its name.
    Foreign(String),
    /// A command that failed here; its name and the error. The two data sets differ.
    Refused(String, String),
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(text) => write!(f, "these are no requests: {text}"),
            Self::Foreign(name) => write!(f, "'{name}' is no change"),
            Self::Refused(name, error) => write!(f, "'{name}' failed: {error}"),
        }
    }
}

impl std::error::Error for StreamFault {}

impl Engine {
    /// Applies the next bytes of a stream, in whatever pieces they come.
    ///
    /// # Errors
    /// The first [`StreamFault`]; it is answered again to every later call.
    pub fn follow(&mut self, follower: &mut Follower, bytes: &[u8]) -> Result<(), StreamFault> {
        if let Some(fault) = &follower.fault {
            return Err(fault.clone());
        }
        let expiry = self.keyspace.expiry();
        self.keyspace.set_expiry(Expiry::Ignore);
        let outcome = self.follow_bytes(follower, bytes);
        self.keyspace.set_expiry(expiry);
        self.serve_blocked();
        follower.fault = outcome.clone().err();
        outcome
    }

    fn follow_bytes(
        &mut self,
        follower: &mut Follower,
        mut bytes: &[u8],
    ) -> Result<(), StreamFault> {
        while !bytes.is_empty() {
            let mut taken = bytes.len().min(CHUNK_BYTES);
            let receives_large = follower.decoder.receives_large();
            let target = follower.decoder.fill_target(&mut follower.input);
            if receives_large {
                taken = taken.min(target.capacity() - target.len());
            }
            let (piece, rest) = bytes.split_at(taken);
            target.extend_from_slice(piece);
            follower.taken_bytes += taken as u64;
            bytes = rest;
            self.follow_decoded(follower)?;
        }
        Ok(())
    }

    /// Decodes and runs what is complete.
    fn follow_decoded(&mut self, follower: &mut Follower) -> Result<(), StreamFault> {
        let network = &self.config.network;
        let limits = Limits {
            max_bulk_len: network.proto_max_bulk_len.max(ARGUMENT_BYTES_MAX) as usize,
            query_buffer_max: network.client_query_buffer_limit as usize,
            authenticated: true,
        };
        let mut batch = Batch::default();
        let mut consumed = 0;
        loop {
            batch.clear();
            let Follower { decoder, input, .. } = &mut *follower;
            let decoded = decoder.decode(input, consumed, &limits, &mut batch);
            let end = match &decoded {
                Ok(progress) => {
                    follower.taken_bytes + progress.consumed as u64 - follower.pending_bytes()
                }
                Err(_) => follower.taken_bytes,
            };
            for request in 0..batch.len() {
                let mut words = Arguments::new();
                batch.arguments(request, &follower.input, &mut words);
                let args = Args::with_large(&words, batch.large(request));
                if follower.applied.is_of_primary
                    && is_inline(&batch, request, consumed, &follower.input)
                {
                    let text = "an inline request".to_owned();
                    return Err(StreamFault::Protocol(text));
                }
                if follower.applied.is_of_primary && asks_for_acknowledgement(args) {
                    let rest = encoded_bytes(&batch, request.., &follower.input);
                    follower.asked_at.push(end.saturating_sub(rest));
                    continue;
                }
                let was_in_transaction = follower.applied.transaction.is_some();
                let outcome = self.follow_request(&mut follower.applied, args);
                follower.failures.append(&mut follower.applied.failures);
                if outcome.is_err()
                    || (!was_in_transaction && follower.applied.transaction.is_some())
                {
                    let rest = encoded_bytes(&batch, request.., &follower.input);
                    follower.applied_bytes = end.saturating_sub(rest).max(follower.applied_bytes);
                }
                outcome?;
            }
            let progress = decoded.map_err(|error| {
                let text = error.text().unwrap_or_else(|| b"too long".as_slice().into());
                StreamFault::Protocol(String::from_utf8_lossy(&text).into_owned())
            })?;
            if follower.applied.transaction.is_none() {
                follower.applied_bytes = end;
            }
            consumed = progress.consumed;
            if !progress.more {
                break;
            }
        }
        follower.decoder.compact(&mut follower.input, consumed);
        Ok(())
    }

    /// Runs one request of a stream, or keeps it for the end of its transaction.
    fn follow_request(&mut self, applied: &mut Applied, args: Args<'_>) -> Result<(), StreamFault> {
        let foreign = || StreamFault::Foreign(String::from_utf8_lossy(args.get(0)).into_owned());
        let Lookup::Found(registered) = self.table.lookup(args.words()) else {
            return applied.pass_over(foreign());
        };
        let spec = &registered.command.spec;
        match (spec.name(), &mut applied.transaction) {
            ("multi", None) => applied.transaction = Some(Box::default()),
            ("exec", Some(_)) => {
                let queued = applied.transaction.take().unwrap_or_default();
                self.stream.begin_unit();
                let outcome = self.follow_queued(applied, &queued);
                self.stream.end_unit(true);
                outcome?;
            }
            _ if !may_be_in_a_stream(spec) => return applied.pass_over(foreign()),
            (_, Some(queued)) => {
                queued.push(registered.number.0, spec.all_flags(), args.words(), args.large());
            }
            (_, None) => {
                self.follow_command(applied, registered, args)?;
            }
        }
        Ok(())
    }

    /// Runs a transaction of a stream.
    fn follow_queued(
        &mut self,
        applied: &mut Applied,
        queued: &Transaction,
    ) -> Result<(), StreamFault> {
        for i in 0..queued.len() {
            let (number, words, large) = queued.request(i);
            let registered = self.table.all()[usize::from(number)];
            self.follow_command(applied, registered, Args::with_large(&words, large))?;
        }
        Ok(())
    }

    /// Runs one command of a stream.
    fn follow_command(
        &mut self,
        applied: &mut Applied,
        registered: Registered,
        args: Args<'_>,
    ) -> Result<(), StreamFault> {
        let name = || String::from_utf8_lossy(args.get(0)).into_owned();
        let spec = &registered.command.spec;
        let lookup = Lookup::Found(registered);
        let mut reply = Reply::default();
        self.execute(Caller::Stream, applied.db, lookup, args, &mut reply);
        if (!applied.is_lenient || applied.is_of_primary)
            && let Some(error) = error_of(&reply.output)
        {
            applied.pass_over(StreamFault::Refused(name(), error))?;
        }
        if spec.name() == "select" {
            let selected = args.integer(1).ok().and_then(|db| DatabaseIndex::try_from(db).ok());
            applied.db = selected.unwrap_or(applied.db);
        }
        applied.commands += 1;
        Ok(())
    }
}

/// The error that a reply is, if it is one.
fn error_of(reply: &Output) -> Option<String> {
    // An error lies in one piece; whatever does not is something else.
    let error = reply.single_slice()?.strip_prefix(b"-")?;
    Some(String::from_utf8_lossy(error).trim_end().to_owned())
}

/// Whether a primary asks how far its replica is (REPLCONF GETACK).
fn asks_for_acknowledgement(args: Args<'_>) -> bool {
    args.len() == 3 && args.is(0, "replconf") && args.is(1, "getack")
}

/// Whether a request came as a line of words: a stream holds none. `consumed` is where the batch
/// begins in `input`.
fn is_inline(batch: &Batch, request: usize, consumed: usize, input: &[u8]) -> bool {
    let Some(word) = batch.argument(request, 0, input) else { return false };
    let at = (word.as_ptr() as usize).wrapping_sub(input.as_ptr() as usize);
    if at > input.len() {
        // It is so large that it does not lie there.
        return false;
    }
    let before = request.checked_sub(1).map_or(consumed, |before| batch.request(before).end);
    // The first word of an array has a line with its length in front; before a line of words there is
    // nothing but blanks and empty arrays.
    let length_at = at.checked_sub(count_bytes(word.len()) as usize);
    length_at.is_none_or(|length_at| length_at < before || input[length_at] != b'$')
}

/// Bytes that requests of a batch take in a stream.
fn encoded_bytes(batch: &Batch, requests: std::ops::RangeFrom<usize>, input: &[u8]) -> u64 {
    let bytes = |request| {
        let mut words = Arguments::new();
        batch.arguments(request, input, &mut words);
        request_bytes(&words)
    };
    (requests.start..batch.len()).map(bytes).sum()
}

/// A stream holds writes, messages, the choice of a database, and signs of life.
fn may_be_in_a_stream(spec: &CommandSpec) -> bool {
    spec.all_flags().intersects(Flags::WRITE.union(Flags::MAY_REPLICATE))
        || matches!(spec.name(), "select" | "ping")
}
