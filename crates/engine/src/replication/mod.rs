//! Replication, as far as it needs the whole engine: the stream on its way to replicas, snapshots for
//! them, the link to a primary, and the change of roles.
//!
//! ```text
//!  primary: EffectStream --flush_stream--> Backlog --send_stream--> output of each replica
//!           PSYNC --attach--> +CONTINUE, or begin_sync --> Feed --pump_feeds--> its output
//!  replica: input of the link --receive_from_primary--> PrimaryLink: handshake, snapshot, stream
//!           snapshot --> Persistence::receive, load --> end_transfer
//!           stream --> apply_from_primary --> Engine::follow; the same bytes --> Backlog
//! ```

mod apply;
mod attach;
mod backlog_limits;
mod cron;
mod handover;
mod link;
mod own_keys;
mod plain;
mod role;
mod shutdown;
mod streaming;
mod syncing;
mod transfer;

use std::collections::VecDeque;

pub use self::shutdown::ShutdownOutcome;
use dunlin_keyspace::Keyspace;
use dunlin_persistence::{Feed, StreamSpill};
use dunlin_replication::{ReplId, ReplicaNumber, SyncForm};
use dunlin_session::Token;
use dunlin_stdx::time::Monotonic;

use crate::follow::Follower;

/// Output of a replica's connection beyond which nothing more of the stream or of a snapshot is put
/// into it: the rest stays where all replicas share it.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// What replication has under way.
#[derive(Default)]
pub(crate) struct Links {
    /// The connection to the primary.
    primary: Option<Token>,
    /// How far the primary's stream has been followed.
    follower: Option<Box<Follower>>,
    /// Bytes of the primary's stream that are not handed on: their command has not been applied.
    unapplied: Vec<u8>,
    /// The primary's data set on its way.
    arriving: Option<Arriving>,
    /// Snapshots on their way to replicas.
    feeds: Vec<Sending>,
    /// The snapshot for replicas under way.
    sync: Option<SyncUnderWay>,
    /// The oldest part of the stream, where memory does not hold it.
    spill: Option<Spill>,
    /// Where the append-only file and the stream ended together, oldest first: what is on disk of the
    /// one says what is of the other (FACK).
    ends: VecDeque<(u64, u64)>,
    /// Whether the log says that a replica does not know deadlines of hash fields.
    told_of_plain: bool,
    /// What of the primary's stream is known to be on disk (FACK); `None` if not even the data set is.
    durable: Option<u64>,
    /// Physical memory of the machine, once it was asked for.
    machine_bytes: Option<u64>,
    /// Where the next look at keys that clients of this replica have written begins.
    own_keys_from: Option<(u32, Box<[u8]>)>,
    /// Where the stream ended before and behind the last question to replicas what they have.
    data_end: u64,
    asked_end: u64,
    /// Replicas are to be asked what they have.
    asks_for_acknowledgement: bool,
    /// When replication is to be looked after again, every second.
    next_second: Monotonic,
    /// When the stream last carried a PING.
    last_ping: Monotonic,
}

impl Links {
    /// The keyspace that the primary's data set goes into, if that is not the one that serves clients.
    pub(crate) fn spare_keyspace(&mut self) -> Option<&mut Keyspace> {
        match &mut self.arriving {
            Some(Arriving { form: ArrivingForm::Beside(spare), .. }) => Some(spare),
            _ => None,
        }
    }

    /// Ends of the log and of the stream belong to a history, and that is another one now.
    fn forget_log_ends(&mut self) {
        self.ends.clear();
        self.durable = None;
    }
}

/// A part of the stream in files.
struct Spill {
    files: StreamSpill,
    /// Replicas that wait for a piece of it.
    readers: Vec<ReplicaNumber>,
}

/// The primary's data set on its way.
struct Arriving {
    /// Whose it is: unknown with SYNC.
    position: Option<(ReplId, u64)>,
    form: ArrivingForm,
    /// Whether all of it has come.
    is_complete: bool,
}

/// How the primary's data set is taken.
enum ArrivingForm {
    /// It was announced and has not begun.
    Announced,
    /// Into a file, which is loaded when it is complete.
    File,
    /// The file is being loaded, or the connection, in place of the data set that was there.
    InPlace,
    /// It is loaded beside the data set that is there, and takes its place at the end.
    Beside(Box<Keyspace>),
}

/// A snapshot on its way to a replica.
struct Sending {
    number: ReplicaNumber,
    feed: Feed,
    /// Whether a mark ends it: then nothing follows before the replica says that it has it.
    with_mark: bool,
}

/// A snapshot for replicas under way.
struct SyncUnderWay {
    form: SyncForm,
    replicas: Vec<ReplicaNumber>,
    began: Monotonic,
}
