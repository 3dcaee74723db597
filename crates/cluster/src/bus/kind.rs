//! The kinds of messages, and why one is refused.

/// Kinds of messages, with the values of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum MessageKind {
    /// Asks for a PONG.
    Ping = 0,
    /// Answers a PING or a MEET, or tells news.
    Pong = 1,
    /// A PING that makes the receiver know the sender.
    Meet = 2,
    /// A node has failed.
    Fail = 3,
    /// A message for the subscribers of a channel.
    Publish = 4,
    /// A replica asks for a vote.
    AuthRequest = 5,
    /// A primary gives its vote.
    AuthAck = 6,
    /// Somebody else owns slots that the receiver claims.
    Update = 7,
    /// A replica asks its primary to hand over.
    ManualFailoverStart = 8,
    /// A message between modules.
    Module = 9,
    /// A message for the subscribers of a sharded channel.
    PublishShard = 10,
}

impl MessageKind {
    /// Count of kinds.
    pub const COUNT: usize = Self::ALL.len();

    /// All kinds, in the order of their values.
    pub const ALL: [Self; 11] = [
        Self::Ping,
        Self::Pong,
        Self::Meet,
        Self::Fail,
        Self::Publish,
        Self::AuthRequest,
        Self::AuthAck,
        Self::Update,
        Self::ManualFailoverStart,
        Self::Module,
        Self::PublishShard,
    ];

    /// The kind of a value on the bus.
    #[must_use]
    pub fn from_wire(value: u16) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    /// Its name in CLUSTER INFO.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Meet => "meet",
            Self::Fail => "fail",
            Self::Publish => "publish",
            Self::AuthRequest => "auth-req",
            Self::AuthAck => "auth-ack",
            Self::Update => "update",
            Self::ManualFailoverStart => "mfstart",
            Self::Module => "module",
            Self::PublishShard => "publishshard",
        }
    }

    /// Whether it carries gossip and extensions.
    #[must_use]
    pub const fn has_gossip(self) -> bool {
        matches!(self, Self::Ping | Self::Pong | Self::Meet)
    }
}

/// Why bytes of a peer are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// Something else than the bus is spoken, or the length is impossible: the link is closed.
    NotTheBus,
    /// Another version of the bus.
    Version,
    /// A kind of message that is not known.
    Kind,
    /// The length does not fit the kind.
    Length,
    /// An extension is not padded to eight bytes, or runs over the end.
    Extension,
    /// What should be an id is none.
    Id,
    /// An address holds what no address has.
    Address,
    /// An epoch is beyond all bounds.
    Epoch,
    /// From a node that is not known, which may only greet.
    UnknownSender,
}

impl Refusal {
    /// Count of reasons.
    pub const COUNT: usize = Self::ALL.len();

    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::NotTheBus,
        Self::Version,
        Self::Kind,
        Self::Length,
        Self::Extension,
        Self::Id,
        Self::Address,
        Self::Epoch,
        Self::UnknownSender,
    ];

    /// Its name, for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotTheBus => "not-the-bus",
            Self::Version => "version",
            Self::Kind => "kind",
            Self::Length => "length",
            Self::Extension => "extension",
            Self::Id => "id",
            Self::Address => "address",
            Self::Epoch => "epoch",
            Self::UnknownSender => "unknown-sender",
        }
    }
}
