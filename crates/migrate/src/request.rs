//! What MIGRATE asks for.

/// Names a transfer. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// How to log in at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user, if it is not the default one (AUTH2).
    pub user: Option<Box<[u8]>>,
    /// The password.
    pub password: Box<[u8]>,
}

/// Keys to move or copy, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whoever asks; only repeated in [`Ended`](crate::Ended).
    pub owner: u64,
    /// Address or host name of the target.
    pub host: String,
    /// Its port; `None` for what is no port, to which nobody can connect.
    pub port: Option<u16>,
    /// The database there.
    pub target_db: i64,
    /// The database here.
    pub db: u32,
    /// The keys. Not empty.
    pub keys: Vec<Box<[u8]>>,
    /// Whether the keys stay here.
    pub copy: bool,
    /// Whether keys that exist there are replaced.
    pub replace: bool,
    /// How to log in there.
    pub credentials: Option<Credentials>,
    /// Whether the target may be importing the slot of the keys (RESTORE-ASKING).
    pub asking: bool,
    /// How long the target may let the transfer wait at each step.
    pub timeout_us: u64,
}
