//! What a replica says of itself before it asks for the stream (REPLCONF).

/// Longest address that a replica may announce.
const ADDRESS_BYTES_MAX: usize = 255;

/// The capability, unknown to Redis, of taking deadlines of hash fields.
const FIELD_DEADLINES: &[u8] = b"dunlin-field-deadlines";

/// What a replica can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// A snapshot whose length is not known beforehand (`eof`).
    pub end_mark: bool,
    /// `+CONTINUE` with another replid (`psync2`).
    pub psync2: bool,
    /// Deadlines of hash fields, in snapshots and in the stream.
    pub field_deadlines: bool,
}

/// What a replica wants of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    #[default]
    All,
    /// Functions alone (`rdb-filter-only functions`).
    Functions,
    /// Nothing (`rdb-filter-only ""`).
    Nothing,
}

/// What a peer has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The port it listens on, 0 if it has not said.
    pub port: u16,
    /// Its address, if it is not that of the connection.
    pub address: Option<String>,
    /// What it can take.
    pub capabilities: Capabilities,
    /// It wants a snapshot and no stream (`rdb-only`).
    pub snapshot_only: bool,
    /// Which part of the data set it wants.
    pub filter: Filter,
}

/// What is wrong with an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplconfError {
    /// No option has this name.
    Unknown(Vec<u8>),
    /// The value is no number in range.
    NotANumber,
    /// The address is too long; its length.
    AddressTooLong(usize),
    /// No filter has this name.
    UnknownFilter(Vec<u8>),
    /// A filter was asked for by a peer that takes no snapshot of unknown length.
    FilterNeedsEndMark,
}

impl ReplconfError {
    /// What the peer is told, without `ERR`.
    ///
    /// Source: texts checked against a 7.2.6 server.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::Unknown(name) => [b"Unrecognized REPLCONF option: ".as_slice(), name].concat(),
            Self::NotANumber => b"value is not an integer or out of range".to_vec(),
            Self::AddressTooLong(len) => {
                format!("REPLCONF ip-address provided by replica instance is too long: {len} bytes")
                    .into_bytes()
            }
            Self::UnknownFilter(name) => {
                [b"Unsupported rdb-filter-only option: ".as_slice(), name].concat()
            }
            Self::FilterNeedsEndMark => b"Filtered replica requires EOF capability".to_vec(),
        }
    }
}

impl Announcement {
    /// What the log calls a peer whose connection has this address.
    #[must_use]
    pub fn name(&self, peer_address: &str) -> String {
        let address = self.address.as_deref().unwrap_or(peer_address);
        match self.port {
            0 => format!("{address}:<unknown-replica-port>"),
            port => format!("{address}:{port}"),
        }
    }

    /// Takes note of an option. Values of `capa` that nobody here knows are passed over.
    ///
    /// # Errors
    /// [`ReplconfError`]; nothing changes.
    pub fn set(&mut self, option: &[u8], value: &[u8]) -> Result<(), ReplconfError> {
        let number = || str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
        match option.to_ascii_lowercase().as_slice() {
            b"listening-port" => {
                let port = number().and_then(|port| u16::try_from(port).ok());
                self.port = port.ok_or(ReplconfError::NotANumber)?;
            }
            b"ip-address" => {
                if value.len() > ADDRESS_BYTES_MAX {
                    return Err(ReplconfError::AddressTooLong(value.len()));
                }
                let text = String::from_utf8_lossy(value).into_owned();
                self.address = Some(text).filter(|text| !text.is_empty());
            }
            b"capa" => self.add_capability(value),
            b"rdb-only" => match number() {
                Some(0) => self.snapshot_only = false,
                Some(1) => self.snapshot_only = true,
                _ => return Err(ReplconfError::NotANumber),
            },
            b"rdb-filter-only" => self.filter = Self::filter(value)?,
            _ => return Err(ReplconfError::Unknown(option.to_vec())),
        }
        Ok(())
    }

    fn add_capability(&mut self, name: &[u8]) {
        let known = &mut self.capabilities;
        if name.eq_ignore_ascii_case(b"eof") {
            known.end_mark = true;
        } else if name.eq_ignore_ascii_case(b"psync2") {
            known.psync2 = true;
        } else if name.eq_ignore_ascii_case(FIELD_DEADLINES) {
            known.field_deadlines = true;
        }
    }

    fn filter(words: &[u8]) -> Result<Filter, ReplconfError> {
        let mut filter = Filter::Nothing;
        for word in words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            if !word.eq_ignore_ascii_case(b"functions") {
                return Err(ReplconfError::UnknownFilter(word.to_vec()));
            }
            filter = Filter::Functions;
        }
        Ok(filter)
    }

    /// The values of `capa` that this server announces to its primary.
    #[must_use]
    pub const fn own_capabilities() -> [&'static [u8]; 3] {
        [b"eof", b"psync2", FIELD_DEADLINES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_and_unknown_ones_refused() {
        let mut peer = Announcement::default();
        assert_eq!(peer.set(b"Listening-Port", b"7001"), Ok(()));
        assert_eq!(peer.set(b"ip-address", b"10.0.0.1"), Ok(()));
        assert_eq!(peer.set(b"capa", b"EOF"), Ok(()));
        assert_eq!(peer.set(b"capa", b"dual-channel"), Ok(()));
        assert_eq!(peer.set(b"rdb-only", b"1"), Ok(()));
        assert_eq!(peer.set(b"rdb-filter-only", b"functions"), Ok(()));
        assert!(peer.capabilities.end_mark && !peer.capabilities.psync2);
        assert_eq!((peer.port, peer.filter), (7001, Filter::Functions));
        let version = peer.set(b"version", b"8.0.0").map_err(|error| error.text());
        assert_eq!(version, Err(b"Unrecognized REPLCONF option: version".to_vec()));
        assert_eq!(peer.set(b"listening-port", b"70000"), Err(ReplconfError::NotANumber));
        assert_eq!(peer.set(b"rdb-only", b"2"), Err(ReplconfError::NotANumber));
        let long = [b'a'; 256];
        assert_eq!(peer.set(b"ip-address", &long), Err(ReplconfError::AddressTooLong(256)));
        let filter = peer.set(b"rdb-filter-only", b"keys").map_err(|error| error.text());
        assert_eq!(filter, Err(b"Unsupported rdb-filter-only option: keys".to_vec()));
    }

    #[test]
    fn what_we_announce_we_understand() {
        let mut peer = Announcement::default();
        for name in Announcement::own_capabilities() {
            peer.set(b"capa", name).expect("a capability");
        }
        let all = Capabilities { end_mark: true, psync2: true, field_deadlines: true };
        assert_eq!(peer.capabilities, all);
    }
}
