//! One turn of one server, as the event loop makes it.

use std::time::Duration;

use dunlin_node::{Action, ConnectRequest, Peer, Token};

use super::wire::{Stage, Wire};
use super::{Connection, Death, FIRST_PORT, Network, WireNumber};
use crate::server::SimServer;

/// How long a connection is tried whose other end cannot be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

impl Network {
    /// One turn of the event loop of a server. It may end in it.
    pub fn turn(&mut self, index: usize) {
        let Some(mut server) = self.hosts[index].server.take() else { return };
        server.begin_turn();
        self.accept(index, &mut server);
        self.hear_of_connects(index, &mut server);
        self.read(index, &mut server);
        server.node.run();
        self.flush(index, &mut server);
        self.carry_out(index, &mut server);
        server.node.end_turn(1);
        if server.has_ended() {
            self.bury(index, server, Death::Kill);
        } else {
            self.hosts[index].server = Some(server);
        }
    }

    /// Takes connections that others made.
    fn accept(&mut self, index: usize, server: &mut SimServer) {
        let now = self.time.since_start();
        let is_due = |wire: &Wire| {
            wire.hosts[1] == Some(index)
                && !wire.is_silent
                && matches!(wire.stage, Stage::Asked(due) if due <= now)
        };
        let due: Vec<WireNumber> = self
            .wires
            .iter()
            .filter(|(_, wire)| is_due(wire) && !self.are_parted(wire.hosts))
            .map(|(number, _)| *number)
            .collect();
        for number in due {
            let arrival = self.arrival();
            let Some(wire) = self.wires.get_mut(&number) else { continue };
            let address = format!("127.0.0.1:{}", 20_000 + number % 40_000);
            let peer = Peer { address: address.into(), is_local: true, ..Peer::default() };
            let is_client = wire.hosts[0].is_none();
            wire.stage = if is_client { Stage::Open } else { Stage::Taken(arrival) };
            match server.node.connect(peer) {
                Ok(token) => {
                    wire.tokens[1] = Some(token);
                    self.hosts[index].connections.insert(token.0, Connection::new(number, 1));
                }
                Err(refusal) => {
                    wire.pipes[1].write(&refusal.0, arrival);
                    wire.pipes[1].finish(arrival);
                }
            }
        }
    }

    /// Tells what became of connections that this server asked for.
    fn hear_of_connects(&mut self, index: usize, server: &mut SimServer) {
        let now = self.time.since_start();
        let asked: Vec<Token> = self
            .wires
            .values()
            .filter(|wire| wire.hosts[0] == Some(index))
            .filter_map(|wire| wire.tokens[0].filter(|_| wire.stage != Stage::Open))
            .collect();
        for token in asked {
            let Some(number) = self.connection(index, token).map(|one| one.wire) else { continue };
            let Some(wire) = self.wires.get(&number) else { continue };
            let is_up = wire.hosts[1]
                .and_then(|host| self.hosts.get(host))
                .is_some_and(|host| host.server.is_some());
            let is_parted = self.are_parted(wire.hosts) || wire.is_silent;
            let failure = match wire.stage {
                Stage::Taken(due) if due <= now && !is_parted => {
                    self.establish(index, server, token, number);
                    continue;
                }
                _ if wire.is_cut => "Connection reset by peer",
                Stage::Asked(due) if due <= now && !is_up && !is_parted => "Connection refused",
                Stage::Asked(due) | Stage::Taken(due) if due + CONNECT_TIMEOUT <= now => {
                    "Connection timed out"
                }
                _ => continue,
            };
            server.node.handle_connect_failed(token, failure);
            self.forget(index, token);
        }
    }

    fn establish(
        &mut self,
        index: usize,
        server: &mut SimServer,
        token: Token,
        number: WireNumber,
    ) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        wire.stage = Stage::Open;
        let port = FIRST_PORT as usize + wire.hosts[1].unwrap_or(0);
        let address = format!("127.0.0.1:{port}").into();
        let peer = Peer { address, is_local: true, ..Peer::default() };
        server.node.handle_connected(token, peer);
        self.flush_one(index, server, token);
    }

    /// Reads once from each connection that is readable, in any order.
    fn read(&mut self, index: usize, server: &mut SimServer) {
        let mut tokens: Vec<usize> = self.hosts[index].connections.keys().copied().collect();
        self.random.shuffle(&mut tokens);
        for token in tokens {
            self.read_one(index, server, Token(token));
        }
    }

    fn read_one(&mut self, index: usize, server: &mut SimServer, token: Token) {
        let now = self.time.since_start();
        let Some(connection) = self.connection(index, token) else { return };
        let (number, side, is_closing) = (connection.wire, connection.side, connection.is_closing);
        if std::mem::take(&mut connection.is_resumed) {
            connection.is_paused = false;
            server.node.handle_input(token, 0);
        }
        let is_paused = self.connection(index, token).is_some_and(|one| one.is_paused);
        let Some(wire) = self.wires.get(&number) else { return };
        let (is_cut, stage) = (wire.is_cut, wire.stage);
        if stage != Stage::Open && side == 0 || is_closing && !is_cut {
            return;
        }
        let is_held_up = wire.is_silent || self.are_parted(wire.hosts);
        let Some(wire) = self.wires.get_mut(&number) else { return };
        let pipe = &mut wire.pipes[1 - side];
        if !is_held_up {
            pipe.settle(now);
        }
        let has_ended = pipe.has_ended(now) && !is_held_up;
        if is_paused && is_cut {
            return self.end_one(index, server, token);
        }
        if is_paused || pipe.readable() == 0 && !has_ended {
            return;
        }
        let Some(buffer) = server.node.input(token) else {
            match is_cut {
                true => self.end_one(index, server, token),
                false => {
                    if let Some(connection) = self.connection(index, token) {
                        connection.is_paused = true;
                    }
                }
            }
            return;
        };
        if has_ended {
            return self.end_one(index, server, token);
        }
        let room = buffer.capacity() - buffer.len();
        let most = pipe.readable().min(room).min(self.weather.piece_max);
        let count = match self.random.u8(..4) {
            0 => self.random.usize(1..=most.min(8)),
            1 => self.random.usize(1..=most),
            _ => most,
        };
        buffer.extend(pipe.read(count));
        server.node.handle_input(token, count);
    }

    /// The other side is gone.
    fn end_one(&mut self, index: usize, server: &mut SimServer, token: Token) {
        self.forget(index, token);
        server.node.handle_end(token);
    }

    fn forget(&mut self, index: usize, token: Token) {
        if let Some(connection) = self.hosts[index].connections.remove(&token.0) {
            self.leave(&connection);
        }
    }

    /// Writes to every connection that has output and room.
    fn flush(&mut self, index: usize, server: &mut SimServer) {
        let blocked: Vec<usize> = self.hosts[index]
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_write_blocked)
            .map(|(token, _)| *token)
            .collect();
        for token in blocked {
            self.unblock(index, server, Token(token));
        }
        while let Some(token) = server.node.next_with_output() {
            if server.has_ended() {
                // Whoever is lost says no more.
                return;
            }
            self.flush_one(index, server, token);
        }
    }

    fn unblock(&mut self, index: usize, server: &mut SimServer, token: Token) {
        let window = self.weather.window;
        let Some(connection) = self.hosts[index].connections.get_mut(&token.0) else { return };
        let Some(wire) = self.wires.get(&connection.wire) else { return };
        if wire.pipes[connection.side].room(window) > 0 {
            connection.is_write_blocked = false;
            self.flush_one(index, server, token);
        }
    }

    fn flush_one(&mut self, index: usize, server: &mut SimServer, token: Token) {
        let arrival = self.arrival();
        let window = self.weather.window;
        let Some(connection) = self.hosts[index].connections.get_mut(&token.0) else { return };
        let Some(wire) = self.wires.get_mut(&connection.wire) else { return };
        if connection.is_write_blocked || wire.stage != Stage::Open && connection.side == 0 {
            return;
        }
        let Some(mut output) = server.node.output(token) else { return };
        let pipe = &mut wire.pipes[connection.side];
        let bytes = output.to_vec();
        let count = bytes.len().min(pipe.room(window));
        output.advance(count);
        pipe.write(&bytes[..count], arrival);
        if count < bytes.len() {
            connection.is_write_blocked = true;
        } else if connection.is_closing {
            self.end_one(index, server, token);
        } else {
            server.node.output_drained(token);
        }
    }

    /// Does what the node asks for.
    fn carry_out(&mut self, index: usize, server: &mut SimServer) {
        while let Some(action) = server.node.next_action() {
            match action {
                Action::Close(token) => self.forget(index, token),
                Action::CloseAfterFlush(token) => self.close_after_flush(index, server, token),
                Action::Resume(token) => {
                    if let Some(connection) = self.connection(index, token) {
                        connection.is_resumed = true;
                    }
                }
                // These servers are no nodes of a cluster.
                Action::SetNodelay(..) | Action::CloseLink(_) => {}
            }
        }
        while let Some(ConnectRequest { token, port, .. }) = server.node.next_connect() {
            let to = usize::from(port.saturating_sub(FIRST_PORT));
            let due = self.arrival();
            let number = self.add(Wire::new(Some(index), Some(token), to, due));
            self.hosts[index].connections.insert(token.0, Connection::new(number, 0));
        }
    }

    fn close_after_flush(&mut self, index: usize, server: &mut SimServer, token: Token) {
        let Some(connection) = self.connection(index, token) else { return };
        connection.is_closing = true;
        let (number, side) = (connection.wire, connection.side);
        let is_open = self.wires.get(&number).is_some_and(|wire| wire.stage == Stage::Open);
        if is_open || side == 1 {
            self.flush_one(index, server, token);
        } else {
            self.end_one(index, server, token);
        }
    }
}

impl Connection {
    fn new(wire: WireNumber, side: usize) -> Connection {
        Connection {
            wire,
            side,
            is_paused: false,
            is_resumed: false,
            is_write_blocked: false,
            is_closing: false,
        }
    }
}
