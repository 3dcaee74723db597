//! Which bytes of which history a server has.

use crate::id::ReplId;

/// The history that a server is on, how far it has come, and the one that it was on before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    replid: ReplId,
    offset: u64,
    second: Option<(ReplId, u64)>,
}

/// Why a peer cannot go on from where it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It follows another history.
    AnotherHistory,
    /// It has followed the former history beyond the point where this server left it; up to which
    /// offset it may ask.
    BeyondSecond(u64),
}

impl History {
    /// The beginning of a history.
    #[must_use]
    pub const fn new(replid: ReplId) -> Self {
        Self { replid, offset: 0, second: None }
    }

    /// The replid (`master_replid`).
    #[must_use]
    pub const fn replid(&self) -> ReplId {
        self.replid
    }

    /// Bytes of the stream that this server has produced or applied (`master_repl_offset`).
    #[must_use]
    #[inline]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The history before this one (`master_replid2`); forty zeros for none.
    #[must_use]
    pub const fn second_replid(&self) -> ReplId {
        match self.second {
            Some((replid, _)) => replid,
            None => ReplId::NONE,
        }
    }

    /// The first offset that this server does not share with the former history
    /// (`second_repl_offset`), -1 for none.
    #[must_use]
    pub const fn second_offset(&self) -> i64 {
        match self.second {
            Some((_, offset)) => offset as i64,
            None => -1,
        }
    }

    /// More of the stream was produced or applied.
    #[inline]
    pub const fn advance(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// What follows is a history of its own (promotion); up to here it is the old one.
    pub const fn fork(&mut self, replid: ReplId) {
        self.second = Some((self.replid, self.offset + 1));
        self.replid = replid;
    }

    /// What follows shares nothing with what was.
    pub const fn restart(&mut self, replid: ReplId) {
        self.replid = replid;
        self.second = None;
    }

    /// The data set is that of another history now, at `offset` (full synchronisation).
    pub const fn adopt(&mut self, replid: ReplId, offset: u64) {
        *self = Self { replid, offset, second: None };
    }

    /// Whether a peer on history `replid` that wants the bytes from `offset` on has the bytes before.
    ///
    /// # Errors
    /// Why it has not, or may not have.
    pub fn check(&self, replid: &[u8], offset: u64) -> Result<(), Denial> {
        if self.replid.is(replid) {
            return Ok(());
        }
        match self.second {
            Some((second, up_to)) if second.is(replid) => {
                if offset <= up_to {
                    Ok(())
                } else {
                    Err(Denial::BeyondSecond(up_to))
                }
            }
            _ => Err(Denial::AnotherHistory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: u8) -> ReplId {
        ReplId::parse(&[digit; 40]).expect("forty digits")
    }

    #[test]
    fn a_promoted_server_shares_the_old_history_up_to_its_promotion() {
        let mut history = History::new(id(b'a'));
        history.advance(100);
        assert_eq!(history.second_offset(), -1);
        history.fork(id(b'b'));
        history.advance(50);
        let check = |digit, offset| history.check(id(digit).digits(), offset);
        assert_eq!(check(b'a', 101), Ok(()));
        assert_eq!(check(b'a', 102), Err(Denial::BeyondSecond(101)));
        assert_eq!(check(b'b', 151), Ok(()));
        assert_eq!(check(b'c', 1), Err(Denial::AnotherHistory));
        assert_eq!(history.check(b"?", 1), Err(Denial::AnotherHistory));
    }

    #[test]
    fn without_a_former_history_the_zeros_are_nobodys() {
        let mut history = History::new(id(b'a'));
        let zeros = ReplId::NONE;
        assert_eq!(history.second_replid(), zeros);
        assert_eq!(history.check(zeros.digits(), 1), Err(Denial::AnotherHistory));
        history.fork(id(b'b'));
        history.adopt(id(b'c'), 9);
        assert_eq!(history.check(id(b'a').digits(), 1), Err(Denial::AnotherHistory));
        assert_eq!((history.offset(), history.second_replid()), (9, zeros));
    }
}
