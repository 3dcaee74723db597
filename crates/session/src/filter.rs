//! Choosing clients: CLIENT KILL and CLIENT LIST TYPE.

use crate::session::Session;
use crate::sessions::ClientId;

/// The class of a client; output limits go by it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    /// It sends commands; MONITOR included.
    Normal,
    /// Our primary.
    Primary,
    /// A replica of ours.
    Replica,
    /// Subscribed to a channel or pattern.
    Pubsub,
}

impl ClientClass {
    /// The class with this name, in any case; the old names of primary and replica are the ones
    /// on the wire.
    #[must_use]
    pub fn by_name(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(Self::Normal),
            b"master" => Some(Self::Primary),
            b"slave" | b"replica" => Some(Self::Replica),
            b"pubsub" => Some(Self::Pubsub),
            _ => None,
        }
    }
}

/// Clients that have all of the properties named here.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientFilter<'a> {
    /// The number.
    pub id: Option<ClientId>,
    /// The class.
    pub class: Option<ClientClass>,
    /// Its address and port.
    pub address: Option<&'a [u8]>,
    /// Our address and port.
    pub local_address: Option<&'a [u8]>,
    /// The user it logged in as.
    pub user: Option<&'a [u8]>,
    /// Not this one.
    pub except: Option<ClientId>,
}

impl ClientFilter<'_> {
    /// Whether the session has all the properties.
    #[must_use]
    pub fn matches(&self, session: &Session) -> bool {
        self.id.is_none_or(|id| session.id == id)
            && self.class.is_none_or(|class| session.class() == class)
            && self.address.is_none_or(|address| session.peer.address.as_bytes() == address)
            && self.local_address.is_none_or(|local| session.peer.local_address.as_bytes() == local)
            && self.user.is_none_or(|user| session.user().as_bytes() == user)
            && self.except != Some(session.id)
    }
}

#[cfg(test)]
mod tests {
    use dunlin_stdx::time::Now;

    use super::*;
    use crate::session::{Peer, SessionFlags};

    #[test]
    fn all_properties_must_hold() {
        let peer = Peer {
            address: "127.0.0.1:5000".into(),
            local_address: "127.0.0.1:6379".into(),
            ..Peer::default()
        };
        let session = Session::new(ClientId(7), peer, Now::default());
        let check = |filter: ClientFilter<'_>, expected: bool| {
            assert_eq!(filter.matches(&session), expected, "{filter:?}");
        };
        let any = ClientFilter::default();
        check(any, true);
        check(ClientFilter { id: Some(ClientId(7)), ..any }, true);
        check(ClientFilter { id: Some(ClientId(8)), ..any }, false);
        check(ClientFilter { except: Some(ClientId(7)), ..any }, false);
        check(ClientFilter { address: Some(b"127.0.0.1:5000"), ..any }, true);
        check(ClientFilter { address: Some(b"127.0.0.1:6379"), ..any }, false);
        check(ClientFilter { local_address: Some(b"127.0.0.1:6379"), ..any }, true);
        check(ClientFilter { user: Some(b"default"), ..any }, true);
        check(ClientFilter { class: ClientClass::by_name(b"NORMAL"), ..any }, true);
        check(ClientFilter { class: ClientClass::by_name(b"slave"), ..any }, false);
        check(ClientFilter { id: Some(ClientId(7)), address: Some(b"x"), ..any }, false);
    }

    #[test]
    fn replication_goes_before_publish_subscribe() {
        let mut session = Session::new(ClientId(7), Peer::default(), Now::default());
        let mut check = |flags, name: &[u8], user| {
            session.flags = flags;
            assert_eq!(Some(session.class()), ClientClass::by_name(name));
            assert_eq!(session.user(), user);
        };
        check(SessionFlags::MONITOR, b"normal", "default");
        check(SessionFlags::PUBSUB, b"pubsub", "default");
        check(SessionFlags::PUBSUB | SessionFlags::REPLICA, b"replica", "default");
        check(SessionFlags::PRIMARY, b"master", "(superuser)");
    }
}
