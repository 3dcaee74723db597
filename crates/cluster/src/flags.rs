//! What is said of a node, as the bus carries it.

use std::fmt;

bitflags::bitflags! {
    /// What is known of a node, with the values of the bus.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NodeFlags: u16 {
        /// It is a primary.
        const PRIMARY = 1;
        /// It is a replica.
        const REPLICA = 2;
        /// It does not answer this node.
        const PFAIL = 4;
        /// A majority agrees that it does not answer.
        const FAIL = 8;
        /// It is this node.
        const MYSELF = 16;
        /// Its id is not known yet.
        const HANDSHAKE = 32;
        /// Its address is not known.
        const NOADDR = 64;
        /// It is greeted with MEET, so that it trusts this node.
        const MEET = 128;
        /// Replicas may migrate to it: it has had some.
        const MIGRATE_TO = 256;
        /// It does not stand for election.
        const NOFAILOVER = 512;
    }
}

/// The words of CLUSTER NODES and of nodes.conf, in their order.
const WORDS: [(NodeFlags, &str); 8] = [
    (NodeFlags::MYSELF, "myself"),
    (NodeFlags::PRIMARY, "master"),
    (NodeFlags::REPLICA, "slave"),
    (NodeFlags::PFAIL, "fail?"),
    (NodeFlags::FAIL, "fail"),
    (NodeFlags::HANDSHAKE, "handshake"),
    (NodeFlags::NOADDR, "noaddr"),
    (NodeFlags::NOFAILOVER, "nofailover"),
];

impl NodeFlags {
    /// The flags that these words name; `None` if there is another word.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        if words == "noflags" {
            return Some(Self::empty());
        }
        words.split(',').try_fold(Self::empty(), |flags, word| {
            let (flag, _) = WORDS.iter().find(|(_, known)| *known == word)?;
            Some(flags | *flag)
        })
    }
}

/// `myself,master`, as CLUSTER NODES and nodes.conf have it; `noflags` for none.
impl fmt::Display for NodeFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = WORDS.iter().filter(|(flag, _)| self.contains(*flag));
        let Some((_, first)) = words.next() else { return f.write_str("noflags") };
        f.write_str(first)?;
        words.try_for_each(|(_, word)| write!(f, ",{word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for words in ["noflags", "myself,master", "slave,fail?", "master,fail,nofailover"] {
            assert_eq!(NodeFlags::parse(words).unwrap().to_string(), words);
        }
        assert_eq!(NodeFlags::MIGRATE_TO.to_string(), "noflags");
        for words in ["", "master,", "Master", "primary"] {
            assert_eq!(NodeFlags::parse(words), None, "{words}");
        }
    }
}
