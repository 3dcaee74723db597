//! The turn of the loop, over readiness.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dunlin_stdx::time::{Clock, Monotonic};
use mio::{Events, Poll, Token};
use socket2::Socket;

use crate::connections::{Connection, Connections};
use crate::listen::{Incoming, ListenerControl, Listeners};
use crate::outbound::{Established, Outbound};
use crate::service::{Accepted, Action, Admission, ConnectionId, EndReason, OutputQueue, Service};
use crate::stream::{self, TcpOptions, Transfer};
use crate::{Address, ListenerTag};

/// Connections taken from one listener in one turn, so that a storm of connections does not keep
/// those that are already there from being served.
const ACCEPTS_PER_TURN: usize = 1000;

/// Events taken from the poller at once; more simply wait for the next turn.
const EVENTS_PER_TURN: usize = 1024;

/// Chunks handed to one write.
const SLICES_PER_WRITE: usize = 64;

/// Bytes written to one connection in one turn before others have theirs.
const BYTES_WRITTEN_PER_TURN: usize = 4 << 20;

/// Rest between attempts when accepting fails for want of descriptors or memory.
const ACCEPT_REST_US: u64 = 100_000;

/// Tokens from here on are listeners; below are connections.
const FIRST_LISTENER: usize = 1 << 40;

/// Token of the waker.
const WAKER: Token = Token(1 << 48);

/// Name of the system's readiness interface, as INFO shows it.
#[must_use]
pub const fn multiplexing_api() -> &'static str {
    if cfg!(any(target_os = "linux", target_os = "android")) { "epoll" } else { "kqueue" }
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Turn again.
    Continue,
    /// The service asked to stop.
    Stop,
}

/// Ends the wait of a [`Reactor`] from another thread; the service learns of it in
/// [`Service::woken`].
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Wakes the reactor. Several calls before its next turn count as one.
    pub fn wake(&self) {
        // Fails only when the poller is gone, and then nobody is left to wake.
        let _ = self.0.wake();
    }
}

/// Drives a [`Service`].
pub struct Reactor<C> {
    poll: Poll,
    events: Events,
    clock: C,
    /// When the last turn ended.
    turn_ended: Monotonic,
    waker: Waker,
    listeners: Rc<RefCell<Listeners>>,
    connections: Connections,
    /// Connections that are being made.
    outbound: Outbound,
    /// Connections to read in this turn, and those kept for the next.
    to_read: Vec<ConnectionId>,
    read_next: Vec<ConnectionId>,
    /// Connections to write to, besides those the service names.
    to_flush: Vec<ConnectionId>,
    flush_next: Vec<ConnectionId>,
    /// Accepting failed: no attempt before this instant.
    accept_rests_until: Option<Monotonic>,
    accept_is_failing: bool,
}

impl<C: Clock> Reactor<C> {
    /// A reactor without listeners.
    ///
    /// # Errors
    /// The system refuses another poller.
    pub fn new(clock: C) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        let listeners = Listeners::new(poll.registry().try_clone()?, FIRST_LISTENER);
        let outbound = Outbound::new(poll.registry().try_clone()?, waker.clone());
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            turn_ended: clock.now().monotonic,
            clock,
            waker,
            listeners: Rc::new(RefCell::new(listeners)),
            connections: Connections::default(),
            outbound,
            to_read: Vec::new(),
            read_next: Vec::new(),
            to_flush: Vec::new(),
            flush_next: Vec::new(),
            accept_rests_until: None,
            accept_is_failing: false,
        })
    }

    /// Opens and moves listeners.
    #[must_use]
    pub fn listeners(&self) -> ListenerControl {
        ListenerControl::new(Rc::clone(&self.listeners))
    }

    /// A handle for other threads.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Turns until the service asks to stop.
    ///
    /// # Errors
    /// The system's wait fails for another reason than a signal.
    pub fn run<S: Service>(&mut self, service: &mut S) -> io::Result<()> {
        while self.turn(service, None)? == Flow::Continue {}
        Ok(())
    }

    /// One turn, waiting at most `max_wait` (`None`: until the next deadline).
    ///
    /// # Errors
    /// As [`Reactor::run`].
    pub fn turn<S: Service>(
        &mut self,
        service: &mut S,
        max_wait: Option<Duration>,
    ) -> io::Result<Flow> {
        self.wait(service, max_wait)?;
        let now = self.clock.now();
        let began_ticks = self.clock.ticks();
        service.begin_turn(now);
        self.note_events(service);
        self.accept(service, now.monotonic);
        self.read(service);
        service.run();
        self.flush(service);
        if service.next_deadline().is_some_and(|deadline| deadline <= now.monotonic) {
            service.handle_deadline();
            self.flush(service);
        }
        let flow = self.carry_out(service);
        // How long it took is counted in ticks, so that a turn costs one clock read.
        let turn_us = self.clock.ticks_to_us(self.clock.ticks().saturating_sub(began_ticks));
        self.turn_ended = now.monotonic.plus_us(turn_us);
        service.end_turn(turn_us);
        Ok(flow)
    }

    /// Waits for events; at most until there is something to do without them.
    fn wait<S: Service>(&mut self, service: &S, max_wait: Option<Duration>) -> io::Result<()> {
        let timeout = if self.has_work() { Some(Duration::ZERO) } else { self.until_due(service) };
        let timeout = match (timeout, max_wait) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(e) if e.kind() != io::ErrorKind::Interrupted => Err(e),
            _ => Ok(()),
        }
    }

    /// Whether the next turn has something to do that no event will announce.
    fn has_work(&self) -> bool {
        let may_accept = self.accept_rests_until.is_none();
        !self.to_read.is_empty()
            || !self.to_flush.is_empty()
            || self.outbound.has_failed()
            || (may_accept && self.listeners.borrow().next_ready(0).is_some())
    }

    /// Time from the end of the last turn until the service's deadline or the end of the accept
    /// rest.
    fn until_due<S: Service>(&self, service: &S) -> Option<Duration> {
        let due = match (service.next_deadline(), self.accept_rests_until) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some(Duration::from_micros(due.since_us(self.turn_ended)))
    }

    /// Turns events into flags and lists.
    fn note_events<S: Service>(&mut self, service: &mut S) {
        let mut woken = false;
        for event in &self.events {
            let token = event.token();
            if token == WAKER {
                woken = true;
                continue;
            }
            if token.0 >= FIRST_LISTENER {
                self.listeners.borrow_mut().mark_ready(token.0);
                continue;
            }
            let id = ConnectionId(token.0 as u32);
            let connection = match self.connections.get_mut(id) {
                Some(connection) => connection,
                None => {
                    let Some(made) = self.outbound.settle(id) else { continue };
                    let connection = establish(service, id, made, &mut self.connections);
                    if connection.flush_queued {
                        self.to_flush.push(id);
                    }
                    connection
                }
            };
            let read_closed = event.is_read_closed();
            connection.read_closed |= read_closed;
            connection.hung_up |= event.is_error() || (read_closed && event.is_write_closed());
            if event.is_readable() || connection.read_closed || connection.hung_up {
                connection.readable = true;
                let wanted = !connection.paused || connection.hung_up;
                if wanted && !connection.queued {
                    connection.queued = true;
                    self.to_read.push(id);
                }
            }
            if connection.write_blocked && (event.is_writable() || connection.hung_up) {
                connection.write_blocked = false;
                if !connection.flush_queued {
                    connection.flush_queued = true;
                    self.to_flush.push(id);
                }
            }
        }
        if woken {
            self.outbound.take_resolved();
            service.woken();
        }
        while let Some((id, error)) = self.outbound.next_failed() {
            service.handle_end(id, EndReason::ConnectFailed(error));
        }
    }

    /// Takes waiting connections.
    fn accept<S: Service>(&mut self, service: &mut S, now: Monotonic) {
        if self.accept_rests_until.is_some_and(|until| now < until) {
            return;
        }
        self.accept_rests_until = None;
        let mut from = 0;
        loop {
            let Some(slot) = self.listeners.borrow().next_ready(from) else { return };
            from = slot + 1;
            for _ in 0..ACCEPTS_PER_TURN {
                let accepted = self.listeners.borrow_mut().accept(slot);
                match accepted {
                    None => {
                        self.accept_is_failing = false;
                        break;
                    }
                    Some((_, Ok(incoming))) => self.admit(service, incoming),
                    Some((tag, Err(error))) => {
                        if self.accept_failed(service, tag, &error, now) {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Offers a connection to the service.
    fn admit<S: Service>(&mut self, service: &mut S, incoming: Incoming) {
        use std::os::fd::AsRawFd;
        let Incoming { socket, peer, local, tag } = incoming;
        let is_tcp = matches!(peer, Address::Inet(_));
        let fd = socket.as_raw_fd();
        match service.accept(Accepted { fd, peer, local, listener: tag }) {
            Err(refusal) => {
                let _ = stream::write(&socket, &[IoSlice::new(&refusal.0)]);
            }
            Ok(Admission { id, keepalive }) => {
                if is_tcp {
                    stream::set_tcp_options(&socket, TcpOptions { nodelay: true, keepalive });
                }
                if let Err(error) = self.connections.insert(self.poll.registry(), id, socket) {
                    service.handle_end(id, EndReason::ReadFailed(error));
                }
            }
        }
    }

    /// Reports trouble once; true if accepting must rest. A connection that died in the queue is
    /// no trouble.
    fn accept_failed<S: Service>(
        &mut self,
        service: &mut S,
        tag: ListenerTag,
        error: &io::Error,
        now: Monotonic,
    ) -> bool {
        let short = matches!(
            error.raw_os_error(),
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
        );
        if !short {
            return false;
        }
        if !self.accept_is_failing {
            self.accept_is_failing = true;
            service.accept_failed(tag, error);
        }
        self.accept_rests_until = Some(now.plus_us(ACCEPT_REST_US));
        true
    }

    /// Reads once from each connection that is readable.
    fn read<S: Service>(&mut self, service: &mut S) {
        let mut batch = std::mem::take(&mut self.to_read);
        for &id in &batch {
            self.read_one(service, id);
        }
        batch.clear();
        self.to_read = std::mem::replace(&mut self.read_next, batch);
    }

    fn read_one<S: Service>(&mut self, service: &mut S, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.queued = false;
        if connection.closing && !connection.hung_up {
            return;
        }
        if std::mem::take(&mut connection.resumed) {
            connection.paused = false;
            service.handle_input(id, 0);
            if !connection.readable {
                return;
            }
        }
        let Some(buffer) = service.input(id) else {
            if connection.hung_up {
                self.end(service, id, EndReason::PeerClosed);
            } else {
                connection.paused = true;
            }
            return;
        };
        connection.paused = false;
        let room = buffer.capacity() - buffer.len();
        match stream::read_spare(&connection.socket, buffer) {
            Transfer::Bytes(0) if room > 0 => self.end(service, id, EndReason::PeerClosed),
            Transfer::Bytes(bytes) => {
                // A short read has drained the socket, and only an edge brings news.
                let drained = bytes < room && !connection.read_closed && !connection.hung_up;
                connection.readable = !drained;
                if !drained {
                    connection.queued = true;
                    self.read_next.push(id);
                }
                service.handle_input(id, bytes);
            }
            Transfer::WouldBlock => connection.readable = false,
            Transfer::Failed(error) => self.end(service, id, EndReason::ReadFailed(error)),
        }
    }

    /// Writes to every connection that has output.
    fn flush<S: Service>(&mut self, service: &mut S) {
        let mut waiting = std::mem::take(&mut self.to_flush);
        for &id in &waiting {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.flush_queued = false;
                self.flush_one(service, id);
            }
        }
        waiting.clear();
        while let Some(id) = service.next_with_output() {
            self.flush_one(service, id);
        }
        self.to_flush = std::mem::replace(&mut self.flush_next, waiting);
    }

    fn flush_one<S: Service>(&mut self, service: &mut S, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.write_blocked || connection.flush_queued {
            return;
        }
        let Some(mut output) = service.output(id) else { return };
        let outcome = write_out(&connection.socket, &mut output);
        drop(output);
        match outcome {
            Written::All if connection.closing => self.end(service, id, EndReason::Flushed),
            Written::All => service.output_drained(id),
            Written::UntilFull => connection.write_blocked = true,
            Written::ItsShare => {
                connection.flush_queued = true;
                self.flush_next.push(id);
            }
            Written::Failed(error) => self.end(service, id, EndReason::WriteFailed(error)),
        }
    }

    /// Closes a connection and tells the service.
    fn end<S: Service>(&mut self, service: &mut S, id: ConnectionId, reason: EndReason) {
        if self.connections.remove(id) {
            self.accept_rests_until = None;
            service.handle_end(id, reason);
        }
    }

    /// Does what the service asked for.
    fn carry_out<S: Service>(&mut self, service: &mut S) -> Flow {
        let mut flow = Flow::Continue;
        while let Some(action) = service.next_action() {
            match action {
                Action::Close(id) => {
                    if self.connections.remove(id) || self.outbound.remove(id) {
                        self.accept_rests_until = None;
                    }
                }
                Action::CloseAfterFlush(id) => {
                    if let Some(connection) = self.connections.get_mut(id) {
                        connection.closing = true;
                        self.flush_one(service, id);
                    } else if self.outbound.remove(id) {
                        service.handle_end(id, EndReason::Flushed);
                    }
                }
                Action::SetNodelay(id, on) => {
                    if let Some(connection) = self.connections.get_mut(id) {
                        // Fails only for what is no TCP connection or none any more.
                        let _ = connection.socket.set_tcp_nodelay(on);
                    }
                }
                Action::Resume(id) => self.resume(id),
                Action::Stop => flow = Flow::Stop,
            }
        }
        while let Some(wanted) = service.next_connect() {
            self.outbound.begin(wanted);
        }
        flow
    }

    fn resume(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.resumed = true;
        if !connection.queued {
            connection.queued = true;
            self.to_read.push(id);
        }
    }
}

/// Takes a connection that the service asked for and that has been made.
#[cold]
fn establish<'a, S: Service>(
    service: &mut S,
    id: ConnectionId,
    made: Established,
    connections: &'a mut Connections,
) -> &'a mut Connection {
    service.connected(id, &made.connected);
    let connection = connections.adopt(id, made.socket);
    // Output that is there was named when there was nothing to write it to.
    connection.flush_queued = service.output(id).is_some_and(|output| !output.is_empty());
    connection
}

/// How far the writing of one connection's output came.
enum Written {
    All,
    /// The socket takes no more for now.
    UntilFull,
    /// As much as one connection may write in one turn.
    ItsShare,
    Failed(io::Error),
}

fn write_out(socket: &Socket, output: &mut impl OutputQueue) -> Written {
    let mut budget = BYTES_WRITTEN_PER_TURN;
    while !output.is_empty() {
        if budget == 0 {
            return Written::ItsShare;
        }
        let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
        let count = output.fill(&mut slices);
        match stream::write(socket, &slices[..count]) {
            Transfer::Bytes(bytes) => {
                budget = budget.saturating_sub(bytes);
                output.advance(bytes);
            }
            Transfer::WouldBlock => return Written::UntilFull,
            Transfer::Failed(error) => return Written::Failed(error),
        }
    }
    Written::All
}

#[cfg(test)]
#[path = "event_loop_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod outbound_tests;
