//! Configuration: every parameter of Redis 7.2, its file syntax, and the CONFIG command's share.
//!
//! The table in [`table`](Config) is the only place where a parameter exists. From it come the
//! typed fields of [`Config`] (reading one is reading a field), what a file and CONFIG SET accept,
//! what CONFIG GET shows and CONFIG REWRITE writes, and the page in `docs/`.
//!
//! ```text
//! argv, file, stdin --[Arguments, load]--> Loaded { config, users, renamed commands, ... }
//! Config --[get, matching]--> CONFIG GET
//! Config --[set]--> Changes --> whoever applies them --[revert]--> Config, when that fails
//! Config + old file --[rewrite]--> new file
//! ```
//!
//! No I/O: files come in through [`FileSource`], and effects of a change (listening elsewhere,
//! changing the directory) are the caller's.
//!
//! Source: redis.io, "Redis configuration", the annotated redis.conf of 7.2, and the CONFIG
//! commands; defaults, ranges and texts checked against a running 7.2.
//!
//! Differs: a `bind` line without `protected-mode` switches protected mode off, with a warning;
//! CONFIG GET answers in a fixed order; values that only fit by wrapping around are refused.

#![forbid(unsafe_code)]

mod arguments;
mod document;
mod error;
mod files;
mod get;
mod invalid;
mod load;
mod loaded;
mod parameter;
mod rewrite;
mod set;
mod table;
mod text;
mod title;
mod value;

pub use arguments::Arguments;
pub use document::markdown;
pub use error::{FatalConfigError, Origin, Problem};
pub use files::{FileSource, MemoryFiles};
pub use invalid::Invalid;
pub use load::load;
pub use loaded::{Directive, Loaded, Mode, Source, Warning};
pub use parameter::{Class, Kind, Parameter};
pub use rewrite::RewriteState;
pub use set::{Change, Changes, SetContext, SetError};
pub use table::{
    Cluster, Config, Diagnosis, Encodings, Logging, Memory, Network, Persistence, Process,
    Replication, Security, Tls,
};
pub use text::Text;
pub use title::{TitleVariable, expand_title};
pub use value::{
    AclPubsubDefault, AppendFsync, BindAddresses, DisklessLoad, EndpointType, KeyspaceEvents,
    LogLevel, MaxmemoryPolicy, MemoryShare, OomScoreAdj, OomScores, OutputLimit, OutputLimits,
    Percentiles, PropagationError, ProtectedAction, RdbVersion, ReplicaOf, SanitizePayload,
    SavePoint, SavePoints, ShutdownOptions, SnapshotOverflow, Supervised, SyslogFacility,
    TlsAuthClients,
};
