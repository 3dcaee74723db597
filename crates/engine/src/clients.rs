//! What the engine keeps an eye on for each client: how much output waits, how much memory all of
//! them take, and who has been silent for too long.
//!
//! Source: redis.io, "Redis client handling"; the annotated redis.conf of 7.2, `timeout`,
//! `client-output-buffer-limit`, `maxmemory-clients`.

use dunlin_commands::Caller;
use dunlin_config::{LogLevel, OutputLimit};
use dunlin_session::{ClientClass, Closing, Session, SessionFlags, Token, Waiting, describe};
use dunlin_stdx::time::Monotonic;

use crate::engine::Engine;

/// `maxmemory-clients` is never taken for less: with less, nobody could say so to the server.
const CLIENT_MEMORY_LEAST_BYTES: usize = 128 * 1024;

/// Clients looked at in one tick, at least.
const SWEEP_LEAST: usize = 5;

/// After so much silence an input buffer gives back the room it does not use.
const SHRINK_AFTER_US: u64 = 2_000_000;

/// One line in the log per minute is enough for attacks across protocols.
const ATTACK_LOG_PAUSE_US: u64 = 60_000_000;

const US_PER_SECOND: u64 = 1_000_000;

impl Engine {
    /// How much output may wait for a client of this class.
    #[must_use]
    pub const fn output_limit(&self, class: ClientClass) -> OutputLimit {
        let limits = &self.config.network.client_output_buffer_limit;
        match class {
            ClientClass::Normal | ClientClass::Primary => limits.normal,
            ClientClass::Replica => limits.replica,
            ClientClass::Pubsub => limits.pubsub,
        }
    }

    /// Takes note of what a client costs now, and ends it if too much output waits. To be called
    /// when something was written for it.
    #[inline]
    pub fn check_output(&mut self, token: Token) {
        if self.sessions.get(token).is_some_and(|session| !session.is_light()) {
            self.check_output_limits(token);
        }
    }

    fn check_output_limits(&mut self, token: Token) {
        self.sessions.account(token);
        let Some(session) = self.sessions.get(token).filter(|session| !session.is_link()) else {
            return;
        };
        let output = &session.reply.output;
        let limit = self.output_limit(session.class());
        let waiting = output.limited_bytes() as u64;
        let is_over = |bytes: u64| bytes != 0 && waiting >= bytes;
        let is_hard = output.has_overflowed() || is_over(limit.hard_bytes);
        let now = self.now.monotonic;
        let since = is_over(limit.soft_bytes).then(|| session.soft_limit_since.unwrap_or(now));
        let is_soft = since.is_some_and(|since| seconds_between(since, now) > limit.soft_seconds);
        if let Some(session) = self.sessions.get_mut(token) {
            session.soft_limit_since = since;
        }
        if is_hard || is_soft {
            self.end_for_output(token);
        }
    }

    #[cold]
    fn end_for_output(&mut self, token: Token) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        if session.closing == Closing::Now {
            return;
        }
        let client = describe(session, None, self.now.monotonic);
        session.reply.output.clear();
        session.paused = None;
        self.sessions.close(token, Closing::Now);
        self.metrics.counters.output_buffer_disconnections += 1;
        let line = format!(
            "Client {client} scheduled to be closed ASAP for overcoming of output buffer limits."
        );
        self.host.log(LogLevel::Warning, &line);
    }

    /// Whether CLIENT PAUSE has ended since the last call. While it holds, keys whose time has come
    /// are hidden instead of removed, because a removal would be propagated.
    pub fn end_pause(&mut self) -> bool {
        let ended = self.sessions.pause.take_released();
        if ended {
            self.follow_expiry();
        }
        ended
    }

    /// Ends the largest clients until all together take less than `maxmemory-clients`; tells
    /// whether there were any. O(n log n) over the clients, but only when the limit is reached.
    pub fn evict_clients(&mut self) -> bool {
        let maxmemory = self.config.memory.maxmemory;
        let limit = self.config.network.maxmemory_clients.bytes_of(maxmemory) as usize;
        if limit == 0 || self.sessions.memory_bytes() < limit.max(CLIENT_MEMORY_LEAST_BYTES) {
            return false;
        }
        self.evict_clients_down_to(limit.max(CLIENT_MEMORY_LEAST_BYTES))
    }

    #[cold]
    fn evict_clients_down_to(&mut self, limit: usize) -> bool {
        for place in 0..self.sessions.places() {
            self.sessions.account(Token(place));
        }
        let mut excess = (self.sessions.memory_bytes() + 1).saturating_sub(limit);
        let evictable = |session: &Session| {
            let is_spared = session.is_link() || session.flags.contains(SessionFlags::NO_EVICT);
            session.closing != Closing::Now && !is_spared
        };
        let mut largest: Vec<(usize, Token)> = self
            .sessions
            .iter()
            .filter(|(_, session)| evictable(session))
            .map(|(token, session)| (session.usage(None).total, token))
            .collect();
        largest.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let mut evicted = false;
        for (bytes, token) in largest {
            if excess == 0 {
                break;
            }
            let Some(session) = self.sessions.get(token) else { continue };
            let line = format!("Evicting client: {}", describe(session, None, self.now.monotonic));
            self.host.log_notice(&line);
            self.sessions.close(token, Closing::Now);
            self.metrics.counters.clients_evicted += 1;
            excess = excess.saturating_sub(bytes);
            evicted = true;
        }
        evicted
    }

    /// Periodic work on clients, `hz` times a second: a part of them each time, so that each is
    /// looked at once a second.
    pub fn sweep_clients(&mut self, hz: u64) {
        let places = self.sessions.places();
        if places == 0 {
            return;
        }
        let share = places.div_ceil(hz.max(1) as usize).max(SWEEP_LEAST).min(places);
        for step in 0..share {
            self.look_at(Token((self.sweep_from + step) % places));
        }
        self.sweep_from = (self.sweep_from + share) % places;
    }

    fn look_at(&mut self, token: Token) {
        let now = self.now.monotonic;
        let timeout = u64::from(self.config.network.timeout);
        let Some(session) = self.sessions.get_mut(token) else { return };
        let silent_us = now.since_us(session.last_interaction);
        let listens = SessionFlags::MONITOR.union(SessionFlags::PUBSUB);
        let may_be_silent =
            session.flags.intersects(listens) || session.is_blocked() || session.is_link();
        if timeout != 0 && silent_us / US_PER_SECOND > timeout && !may_be_silent {
            return self.sessions.close(token, Closing::Now);
        }
        let keeps_still = matches!(session.waiting(), None | Some(Waiting::Blocked));
        if silent_us > SHRINK_AFTER_US && keeps_still {
            session.input.shrink_to_fit();
            session.decoder.shrink();
        }
        session.reply_peak_bytes = u32::try_from(session.reply.output.len()).unwrap_or(u32::MAX);
        let usage = session.usage(None);
        let input_bytes = usage.query + usage.query_free + usage.arguments;
        self.sessions.peaks.note(input_bytes, usage.output(), now);
        self.check_output_limits(token);
    }

    /// Ends a connection over which a browser was made to speak HTTP.
    #[cold]
    pub(crate) fn abort_attack(&mut self, caller: Caller) {
        let Some(token) = caller.client() else { return };
        let now = self.now.monotonic;
        let logged = self.attack_logged;
        if logged.is_none_or(|logged| now.since_us(logged) > ATTACK_LOG_PAUSE_US) {
            self.attack_logged = Some(now);
            let address = self.sessions.get(token).map_or("", |session| &session.peer.address);
            let line = format!(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or \
                 Host: commands to Redis. This is likely due to an attacker attempting to use \
                 Cross Protocol Scripting to compromise your Redis instance. Connection from \
                 {address} aborted."
            );
            self.host.log(LogLevel::Warning, &line);
        }
        self.sessions.close(token, Closing::Now);
    }
}

const fn seconds_between(earlier: Monotonic, later: Monotonic) -> u64 {
    later.since_us(earlier) / US_PER_SECOND
}
