//! The groups under which commands are documented.

/// The chapter of the command reference that a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Bit operations on strings.
    Bitmap,
    /// Slots, nodes and the cluster bus.
    Cluster,
    /// The client's own connection.
    Connection,
    /// Any key, whatever its type.
    Generic,
    /// Points on the globe, kept in sorted sets.
    Geo,
    /// Hashes.
    Hash,
    /// Cardinality estimates.
    HyperLogLog,
    /// Lists.
    List,
    /// Channels and patterns.
    PubSub,
    /// Scripts and functions.
    Scripting,
    /// Commands of a sentinel.
    Sentinel,
    /// Administration, persistence, replication.
    Server,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Streams.
    Stream,
    /// Strings.
    String,
    /// MULTI, EXEC and WATCH.
    Transactions,
}

impl Group {
    /// The name in `COMMAND DOCS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::Cluster => "cluster",
            Self::Connection => "connection",
            Self::Generic => "generic",
            Self::Geo => "geo",
            Self::Hash => "hash",
            Self::HyperLogLog => "hyperloglog",
            Self::List => "list",
            Self::PubSub => "pubsub",
            Self::Scripting => "scripting",
            Self::Sentinel => "sentinel",
            Self::Server => "server",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Stream => "stream",
            Self::String => "string",
            Self::Transactions => "transactions",
        }
    }
}
