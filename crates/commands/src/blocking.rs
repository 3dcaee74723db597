//! Commands that wait: BLPOP and its kind.
//!
//! Such a command tries what it would do without waiting. If there is nothing, and it
//! [may block](Context::may_block), it calls [`Context::block_on`] and returns without a reply; the
//! engine runs it again, from the same words, when one of the keys may be ready. So a command needs
//! no second code path, and what it does and propagates is what the same call does that does not
//! have to wait.
//!
//! ```text
//! let timeout = Timeout::seconds(args.get(last), cx.now)?;   // first: errors come before waiting
//! if pop_first(cx, keys)? { return Ok(()); }
//! if !cx.may_block() { cx.reply.null_array(); return Ok(()); }
//! cx.block_on(keys, Awaited::Value(ValueType::List), timeout);
//! Ok(())
//! ```
//!
//! Source: redis.io, BLPOP; texts checked against a 7.2.6 server.

use dunlin_persistence::Persistence;
use dunlin_replication::Replication;
use dunlin_resp::Reply;
use dunlin_session::Wait;
pub use dunlin_session::{Awaited, TimeoutReply};
use dunlin_stdx::long_double::LongDouble;
use dunlin_stdx::number::parse_i64;
use dunlin_stdx::time::{Monotonic, Now};
use dunlin_values::stream::StreamId;

use crate::context::{Caller, Context};
use crate::error::CommandError;

const OUT_OF_RANGE: CommandError = CommandError::fixed("ERR timeout is out of range");
const US_PER_MS: u64 = 1000;

/// How long a client is willing to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// Milliseconds; zero means for ever.
    pub ms: u64,
    /// When that is over; `None` for never.
    pub deadline: Option<Monotonic>,
}

impl Timeout {
    /// Reads a timeout in seconds, which need not be whole: it is rounded up to milliseconds.
    ///
    /// # Errors
    /// `timeout is not a float or out of range`, `timeout is out of range`, `timeout is negative`.
    pub fn seconds(word: &[u8], now: Now) -> Result<Self, CommandError> {
        let seconds = LongDouble::parse(word)
            .ok_or(CommandError::fixed("ERR timeout is not a float or out of range"))?;
        Self::new(seconds.scaled_up(1000).ok_or(OUT_OF_RANGE)?, now)
    }

    /// Reads a timeout in milliseconds.
    ///
    /// # Errors
    /// `timeout is not an integer or out of range`, `timeout is out of range`,
    /// `timeout is negative`.
    pub fn milliseconds(word: &[u8], now: Now) -> Result<Self, CommandError> {
        let ms = parse_i64(word)
            .ok_or(CommandError::fixed("ERR timeout is not an integer or out of range"))?;
        Self::new(ms, now)
    }

    fn new(ms: i64, now: Now) -> Result<Self, CommandError> {
        let ms_until_overflow = i64::MAX - now.unix_ms().0;
        let positive =
            u64::try_from(ms).map_err(|_| CommandError::fixed("ERR timeout is negative"))?;
        if ms > ms_until_overflow {
            return Err(OUT_OF_RANGE);
        }
        let us = positive.saturating_mul(US_PER_MS);
        let deadline = (positive > 0).then(|| now.monotonic.plus_us(us));
        Ok(Self { ms: positive, deadline })
    }
}

impl Context<'_> {
    /// Whether the command may let its client wait. In a transaction, in a script, and where a
    /// stream is applied, it must answer at once that there is nothing.
    #[must_use]
    pub const fn may_block(&self) -> bool {
        matches!(self.caller, Caller::Client(_) | Caller::Again(_))
    }

    /// Lets the client wait until one of `keys` ends the wait; when its time is up, it is told a
    /// null array. The command returns without a reply and without changes.
    pub fn block_on<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k [u8]>,
        awaited: Awaited,
        timeout: Timeout,
    ) {
        self.block_on_streams(keys, awaited, timeout, Vec::new());
    }

    /// [`Context::block_on`] for streams: when the command runs again, [`Context::read_since`] gives
    /// back `since`.
    pub fn block_on_streams<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k [u8]>,
        awaited: Awaited,
        timeout: Timeout,
        since: Vec<StreamId>,
    ) {
        self.keyspace.record_touched(true);
        self.wait(keys, awaited, timeout, TimeoutReply::Nothing, since);
    }

    /// Behind which entries a command reads that has waited and runs again.
    #[must_use]
    pub fn read_since(&self) -> Option<&[StreamId]> {
        self.sessions.blocking.resumed.as_ref().map(|wait| wait.since.as_slice())
    }

    /// Lets the client wait for replicas or for the disk; it is told `at_timeout` when its time is up.
    pub fn block_for_others(
        &mut self,
        awaited: Awaited,
        timeout: Timeout,
        at_timeout: TimeoutReply,
    ) {
        self.wait([], awaited, timeout, at_timeout, Vec::new());
    }

    /// Lets the client wait for work on these keys beside the command thread. When it is done the
    /// command runs again; it ends without that where the keys go to another node.
    pub fn block_on_job<'k>(&mut self, keys: impl IntoIterator<Item = &'k [u8]>, awaited: Awaited) {
        let ends_by_itself = Timeout { ms: 0, deadline: None };
        self.wait(keys, awaited, ends_by_itself, TimeoutReply::Nothing, Vec::new());
    }

    fn wait<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k [u8]>,
        awaited: Awaited,
        timeout: Timeout,
        at_timeout: TimeoutReply,
        since: Vec<StreamId>,
    ) {
        debug_assert!(self.may_block(), "the command asks first");
        let Some(token) = self.caller.client() else { return };
        let keys = keys.into_iter().map(Box::from).collect();
        let deadline = timeout.deadline;
        let wait = Wait { db: self.db, keys, awaited, deadline, at_timeout, since, spent_ns: 0 };
        self.sessions.blocking.block(token, wait);
    }
}

/// How many replicas have acknowledged the stream up to `offset` (WAIT).
#[must_use]
pub fn acknowledged(offset: u64, replication: &Replication) -> i64 {
    replication.replicas.count_acknowledged(offset) as i64
}

/// Where a client's writes are on disk (WAITAOF).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// 1 if here.
    pub local: i64,
    /// On how many replicas.
    pub replicas: i64,
}

impl Durable {
    /// Where the append-only file up to `log` and the stream up to `offset` are on disk.
    #[must_use]
    pub fn of(
        (log, offset): (u64, u64),
        persistence: &Persistence,
        replication: &Replication,
    ) -> Self {
        let is_local = persistence.is_log_wanted() && persistence.kept_up_to() >= log;
        let replicas = replication.replicas.count_durable(offset) as i64;
        Self { local: i64::from(is_local), replicas }
    }

    /// Writes it as WAITAOF replies it.
    pub fn write(self, reply: &mut Reply) {
        reply.array(2);
        reply.integer(self.local);
        reply.integer(self.replicas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(5000) };

    fn check(result: Result<Timeout, CommandError>, expected: Result<u64, &str>) {
        let found = result.map(|timeout| timeout.ms).map_err(|error| error.text().into_owned());
        assert_eq!(found, expected.map_err(|text| format!("ERR timeout {text}")));
    }

    #[test]
    fn seconds_are_rounded_up_to_milliseconds() {
        let seconds =
            |word: &str, expected| check(Timeout::seconds(word.as_bytes(), NOW), expected);
        seconds("0", Ok(0));
        seconds("1", Ok(1000));
        seconds("0.0001", Ok(1));
        seconds("0x1p-1", Ok(500));
        seconds("-0.0001", Ok(0));
        seconds("-1", Err("is negative"));
        seconds("-inf", Err("is negative"));
        seconds("inf", Err("is out of range"));
        seconds("9223372036854775", Err("is out of range"));
        seconds("1e400", Err("is out of range"));
        seconds("", Err("is not a float or out of range"));
        seconds("nan", Err("is not a float or out of range"));
        seconds(" 1", Err("is not a float or out of range"));
        let timeout = Timeout::seconds(b"0.5", NOW).expect("a timeout");
        assert_eq!(timeout.deadline, Some(Monotonic(505_000)));
        assert_eq!(Timeout::seconds(b"0", NOW).expect("a timeout").deadline, None);
    }

    #[test]
    fn milliseconds_are_integers() {
        let ms =
            |word: &str, expected| check(Timeout::milliseconds(word.as_bytes(), NOW), expected);
        ms("0", Ok(0));
        ms("17", Ok(17));
        ms("-1", Err("is negative"));
        ms("1.5", Err("is not an integer or out of range"));
        ms("9223372036854775807", Err("is out of range"));
        ms("9223372036854775808", Err("is not an integer or out of range"));
    }
}
