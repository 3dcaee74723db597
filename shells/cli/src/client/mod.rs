//! Commands on a connection that comes and goes: what is known between one command and the next.

mod command;
mod debugging;
mod redirection;
mod replies;
mod state;

use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use dunlin_resp::Value;
use signal_hook::consts::SIGINT;

use crate::connection::{Address, Broken, ConnectError, Connection, Wanted};
use crate::help::{self, Help};
use crate::modes::{self, Stopped};
use crate::options::{Debugger, Options};
use command::Kind;
use redirection::Redirection;

pub(crate) use command::is;
pub(crate) use replies::Shown;

/// A cluster whose nodes send a client in circles is given up after so many redirections.
const REDIRECTIONS_MAX: usize = 64;

/// Whether a connection that fails says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// On standard error.
    Failure,
    /// Nothing about the connection; what the server refused is always told.
    Nothing,
}

/// Why a command has not run. The reason is on standard error already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Told,
}

/// A client: the options, the connection, and what it is in the middle of.
pub(crate) struct Client {
    pub(crate) options: Options,
    pub(crate) connection: Option<Connection>,
    /// Commands are read from a person or a pipe: errors do not end the program.
    pub(crate) interactive: bool,
    /// Where Ctrl-C is told.
    pub(crate) interrupt: Option<Arc<UnixStream>>,
    /// What the connection has selected.
    pub(crate) db: i32,
    pub(crate) in_transaction: bool,
    db_before_transaction: i32,
    pub(crate) subscribed: bool,
    /// RESP3 is spoken.
    resp3: bool,
    /// Messages are part of what is waited for.
    expects_messages: bool,
    /// SHUTDOWN was asked for: the end of the connection is what it wants.
    shutting_down: bool,
    /// Ask the node of the options instead, with ASKING before if the slot is on its way there.
    redirected: Option<Redirection>,
    /// A redirection has replaced the Unix socket that was given.
    leave_socket: bool,
    pub(crate) last_reply: Option<Value>,
    /// A script is being debugged: what is typed goes to the debugger.
    pub(crate) debugging: Option<Debugger>,
    /// The next EVAL will be debugged.
    armed: Option<Debugger>,
    /// How the session was that has just ended, whose last reply is still to be shown.
    ended: Option<Debugger>,
    /// While set, Ctrl-C ends the program at once.
    exits_on_interrupt: Arc<AtomicBool>,
}

impl Client {
    /// A client without a connection.
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            connection: None,
            interactive: false,
            interrupt: None,
            db: 0,
            in_transaction: false,
            db_before_transaction: 0,
            subscribed: false,
            resp3: false,
            expects_messages: false,
            shutting_down: false,
            redirected: None,
            leave_socket: false,
            last_reply: None,
            debugging: None,
            armed: None,
            ended: None,
            exits_on_interrupt: Arc::new(AtomicBool::new(true)),
        }
    }

    /// From now on commands are read one by one. On a terminal Ctrl-C ends what streams, and the
    /// program only where nothing does.
    pub(crate) fn become_interactive(&mut self) {
        self.interactive = true;
        if self.interrupt.is_some() || !io::stdin().is_terminal() {
            return;
        }
        let flag = Arc::clone(&self.exits_on_interrupt);
        let registered = UnixStream::pair().and_then(|(pressed, interrupt)| {
            interrupt.set_nonblocking(true)?;
            signal_hook::flag::register_conditional_shutdown(SIGINT, 1, flag)?;
            signal_hook::low_level::pipe::register(SIGINT, pressed)?;
            Ok(interrupt)
        });
        // Without it Ctrl-C ends the program.
        self.interrupt = registered.ok().map(Arc::new);
    }

    /// Whether Ctrl-C is to be told instead of ending the program.
    pub(crate) fn watch_interrupts(&mut self, watch: bool) {
        self.exits_on_interrupt.store(!watch, Ordering::SeqCst);
        if let Some(connection) = &mut self.connection {
            connection.interrupt_with(self.interrupt.clone().filter(|_| watch));
        }
    }

    /// Forgets that Ctrl-C was pressed.
    pub(crate) fn clear_interrupts(&mut self) {
        if let Some(interrupt) = &self.interrupt {
            let mut pressed = [0; 64];
            while matches!((&**interrupt).read(&mut pressed), Ok(len) if len > 0) {}
        }
    }

    /// Connects anew, whatever there was.
    ///
    /// # Errors
    /// There is no connection, or one on which not all was granted that was wanted; it is kept.
    pub(crate) fn connect(&mut self, report: Report) -> Result<(), Failed> {
        self.connection = None;
        self.db = 0;
        self.in_transaction = false;
        self.subscribed = false;
        self.expects_messages = false;
        self.resp3 = false;
        self.shutting_down = false;
        let mut target = self.options.server.target();
        if self.leave_socket {
            let server = &self.options.server;
            target.address = Address::Tcp(server.host.clone(), server.port);
        }
        let connected = Connection::connect(&target);
        let mut connection = connected.map_err(|error| {
            // Options that cannot be followed are told each time, as redis-cli does.
            if report == Report::Failure || matches!(error, ConnectError::Tls(_)) {
                eprintln!("{error}");
            }
            Failed::Told
        })?;
        let prepared = connection.prepare(&target);
        let usable = !matches!(prepared, Err(ConnectError::Broken(_)));
        self.connection = usable.then_some(connection);
        let hello_refused = match &prepared {
            Err(ConnectError::Refused(request, _)) => request.starts_with("HELLO"),
            _ => false,
        };
        // HELLO is the last step: where it was refused, the others went well.
        if prepared.is_ok() || hello_refused {
            self.db = target.db;
        }
        self.resp3 = prepared.is_ok() && target.protocol != Wanted::Resp2;
        let Err(error) = prepared else { return Ok(()) };
        eprintln!("{error}");
        let will_do = hello_refused && target.protocol == Wanted::Resp3IfPossible;
        if will_do { Ok(()) } else { Err(Failed::Told) }
    }

    /// Runs a command `repeat` times, for ever if that is negative, and prints the replies. Connects
    /// if need be and goes where it is sent.
    ///
    /// # Errors
    /// It has not run, or its reply has not come.
    pub(crate) fn issue(&mut self, words: &[Vec<u8>], repeat: i64) -> Result<(), Failed> {
        // The debugger has a help of its own.
        if self.debugging.is_none() && (is(words, 0, "help") || is(words, 0, "?")) {
            self.print_help(&words[1..]);
            return Ok(());
        }
        for _ in 0..REDIRECTIONS_MAX {
            let redirected = self.redirected.take();
            if self.connection.is_none() || redirected.is_some() {
                self.connect(Report::Failure)?;
            }
            if redirected == Some(Redirection::Ask) {
                self.send_asking()?;
            }
            self.send_command(words, repeat)?;
            if self.redirected.is_none() {
                return Ok(());
            }
        }
        eprintln!("Error: redirected {REDIRECTIONS_MAX} times, the nodes do not agree");
        self.redirected = None;
        Err(Failed::Told)
    }

    /// Prints messages for as long as the connection lives, if channels are subscribed to.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) fn print_messages(&mut self) -> Result<(), Failed> {
        while self.subscribed {
            self.read_reply(Shown::AsReply)?;
        }
        Ok(())
    }

    fn print_help(&mut self, words: &[Vec<u8>]) {
        if words.is_empty() {
            print_bytes(help::general(&self.options.version).as_bytes());
            return;
        }
        let help = self.load_help();
        print_bytes(help.about(words).as_bytes());
    }

    /// What the server says about its commands, or what ours would say.
    pub(crate) fn load_help(&mut self) -> Help {
        // A connection that has ended unnoticed is replaced.
        for _ in 0..2 {
            if self.connection.is_none() {
                let _ = self.connect(Report::Nothing);
            }
            let Some(server) = &mut self.connection else { break };
            match server.ask(&[b"COMMAND", b"DOCS"]) {
                Ok(docs) => {
                    let help = Help::from_docs(&docs);
                    return if help.is_empty() { Help::builtin() } else { help };
                }
                Err(_) => self.connection = None,
            }
        }
        Help::builtin()
    }

    fn send_command(&mut self, words: &[Vec<u8>], repeat: i64) -> Result<(), Failed> {
        let kind = Kind::of(words);
        let shown = if command::is_text(words) { Shown::AsText } else { Shown::AsReply };
        self.shutting_down |= is(words, 0, "shutdown");
        self.note_debugging(words);
        let slices: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let mut left = repeat;
        while left != 0 {
            left -= i64::from(left > 0);
            if let Some(connection) = &mut self.connection
                && let Err(broken) = connection.send(&slices)
            {
                return Err(self.lost(&broken));
            }
            if kind == Kind::Monitor {
                return self.monitor();
            }
            if kind == Kind::Sync {
                return Err(self.follow_stream());
            }
            if kind != Kind::Other {
                self.expects_messages = true;
            }
            self.read_replies(words, kind, shown)?;
            self.note(words, kind);
            if self.redirected.is_some() {
                break;
            }
            thread::sleep(self.options.interval);
        }
        Ok(())
    }

    /// Prints what a primary sends to replicas, until the connection ends.
    fn follow_stream(&mut self) -> Failed {
        print_bytes(b"Entering replica output mode...  (press Ctrl-C to quit)\n");
        if let Some(mut connection) = self.connection.take()
            && let Err(Stopped::Because(reason)) = modes::follow_stream(&mut connection)
        {
            eprintln!("{reason}");
        }
        Failed::Told
    }

    /// Prints what the server is asked by others, until Ctrl-C.
    fn monitor(&mut self) -> Result<(), Failed> {
        self.watch_interrupts(true);
        let result = self.print_monitored();
        self.watch_interrupts(false);
        result
    }

    fn print_monitored(&mut self) -> Result<(), Failed> {
        loop {
            match self.try_read_reply(Shown::AsReply) {
                Ok(()) if self.last_is_error() => return Ok(()),
                Ok(()) => {}
                Err(Broken::Interrupted) => {
                    self.clear_interrupts();
                    return self.connect(Report::Failure);
                }
                Err(broken) => return Err(self.lost(&broken)),
            }
        }
    }
}

/// Writes to standard output at once; without a reader there is nothing left to do.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
