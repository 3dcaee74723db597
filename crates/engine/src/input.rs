//! From the bytes of a connection to its commands: decode all that arrived, bring the keys of a
//! batch towards the processor, run.

use dunlin_commands::{Args, Caller};
use dunlin_resp::{Arguments, Batch, Limits, ProtocolError, Reply, RequestDecoder};
use dunlin_session::{Closing, Paused, SessionFlags, Token};

use crate::engine::Engine;
use crate::plan::{Plan, WINDOW};

/// A connection with this much unsent output is not run until it drains: a pipeline of GETs of
/// large values to a slow reader costs this much memory, not the sum of its replies.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// What a session lends while its requests run.
struct Work {
    input: Vec<u8>,
    decoder: RequestDecoder,
    reply: Reply,
}

impl Engine {
    /// Runs what has arrived from a connection, as far as its output allows. The caller has added
    /// the bytes to the session's input. Next: [`Engine::execute`].
    pub fn run_input(&mut self, token: Token) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        // What was read and written since the last command is not this command's time.
        self.ticks = self.clock.ticks();
        let mut work = Work {
            input: std::mem::take(&mut session.input),
            decoder: std::mem::take(&mut session.decoder),
            reply: std::mem::take(&mut session.reply),
        };
        let paused = match session.paused.take() {
            Some(paused) => self.resume(token, *paused, &mut work),
            None => self.decode_and_run(token, 0, &mut work),
        };
        if let Some(session) = self.sessions.get_mut(token) {
            session.input = work.input;
            session.decoder = work.decoder;
            let pushed = std::mem::replace(&mut session.reply, work.reply);
            if !pushed.output.is_empty() {
                session.reply.output.extend(&pushed.output.to_vec());
            }
            session.paused = paused.map(Box::new);
        }
    }

    /// Runs the rest of a batch that had to wait, then what arrived behind it.
    fn resume(&mut self, token: Token, paused: Paused, work: &mut Work) -> Option<Paused> {
        let Paused { batch, next, consumed } = paused;
        let next = self.run_batch(token, &batch, next, work);
        if next < batch.len() {
            return Some(Paused { batch, next, consumed });
        }
        self.decode_and_run(token, consumed, work)
    }

    /// Decodes and runs from `consumed` on, until the bytes end or the connection must wait.
    fn decode_and_run(
        &mut self,
        token: Token,
        mut consumed: usize,
        work: &mut Work,
    ) -> Option<Paused> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut paused = None;
        loop {
            batch.clear();
            let limits = self.limits(token);
            let decoded = work.decoder.decode(&mut work.input, consumed, &limits, &mut batch);
            if let Ok(progress) = &decoded {
                consumed = progress.consumed;
            }
            let next = self.run_batch(token, &batch, 0, work);
            if next < batch.len() {
                let batch = std::mem::take(&mut batch);
                paused = Some(Paused { batch, next, consumed });
                break;
            }
            match decoded {
                Ok(progress) if progress.more => {}
                Ok(_) => break,
                Err(error) => {
                    self.refuse_protocol(token, error, &mut work.reply);
                    consumed = work.input.len();
                    break;
                }
            }
        }
        self.batch = batch;
        if paused.is_none() {
            work.decoder.compact(&mut work.input, consumed);
        }
        paused
    }

    fn may_run(&self, token: Token, reply: &Reply) -> bool {
        reply.output.len() < OUTPUT_BYTES_MAX
            && self.sessions.get(token).is_some_and(dunlin_session::Session::is_open)
    }

    fn limits(&self, token: Token) -> Limits {
        let session = self.sessions.get(token);
        Limits {
            max_bulk_len: self.config.network.proto_max_bulk_len as usize,
            query_buffer_max: self.config.network.client_query_buffer_limit as usize,
            authenticated: session
                .is_some_and(|session| session.flags.contains(SessionFlags::AUTHENTICATED)),
        }
    }

    /// Runs the requests of a batch in order, from number `from` on; returns the number of the first
    /// one that must wait.
    fn run_batch(&mut self, token: Token, batch: &Batch, from: usize, work: &mut Work) -> usize {
        let Work { input, reply, .. } = work;
        let mut start = from;
        while start < batch.len() {
            let window = start..batch.len().min(start + WINDOW);
            let db = self.sessions.get(token).map_or(0, |session| session.db);
            let place = (&self.table, &self.keyspace, db);
            let plan = Plan::new(place, (batch, input), window.clone(), &mut self.keys_ahead);
            start = window.end;
            for request in window {
                if !self.may_run(token, reply) {
                    return request;
                }
                let mut words = Arguments::new();
                batch.arguments(request, input, &mut words);
                let args = Args::with_large(&words, batch.large(request));
                let db = self.sessions.get(token).map_or(0, |session| session.db);
                self.execute(Caller::Client(token), db, plan.lookup(request), args, reply);
            }
        }
        batch.len()
    }

    /// Answers a protocol error and ends the connection.
    fn refuse_protocol(&mut self, token: Token, error: ProtocolError, reply: &mut Reply) {
        let how = match error.text() {
            Some(text) => {
                let text = [b"ERR Protocol error: ".as_slice(), &text].concat();
                self.metrics.error_sent(&text);
                reply.error(&text);
                Closing::AfterReply
            }
            None => Closing::Now,
        };
        self.sessions.close(token, how);
    }
}
