//! Commands on a connection that comes and goes: what is known between one command and the next.

use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use dunlin_resp::Value;
use nix::errno::Errno;
use signal_hook::consts::SIGINT;

use crate::connection::{Address, Broken, ConnectError, Connection, Wanted};
use crate::debugger;
use crate::format::{self, Format};
use crate::help::{self, Help};
use crate::modes::{self, Stopped};
use crate::number::{leading_i32, leading_integer};
use crate::options::{Debugger, Options};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redirection {
    Moved,
    Ask,
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
        let connected = Connection::connect(&target.address);
        let mut connection = connected.map_err(|error| {
            if report == Report::Failure {
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

    fn send_asking(&mut self) -> Result<(), Failed> {
        match self.connection.as_mut().map(|connection| connection.ask(&[b"ASKING"])) {
            Some(Ok(Value::Error(text))) => {
                eprintln!("ASKING failed: {}", String::from_utf8_lossy(&text));
                Err(Failed::Told)
            }
            Some(Ok(_)) => Ok(()),
            _ => {
                eprintln!("\nI/O error");
                self.connection = None;
                Err(Failed::Told)
            }
        }
    }

    fn send_command(&mut self, words: &[Vec<u8>], repeat: i64) -> Result<(), Failed> {
        let command = Kind::of(words);
        let shown = if is_text(words) { Shown::AsText } else { Shown::AsReply };
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
            if command == Kind::Monitor {
                return self.monitor();
            }
            if command == Kind::Sync {
                return Err(self.follow_stream());
            }
            if command != Kind::Other {
                self.expects_messages = true;
            }
            self.read_replies(words, command, shown)?;
            self.note(words, command);
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

    /// SCRIPT DEBUG is about the EVALs that follow.
    fn note_debugging(&mut self, words: &[Vec<u8>]) {
        if words.len() == 3 && is(words, 0, "script") && is(words, 1, "debug") {
            self.armed = if is(words, 2, "yes") {
                Some(Debugger::Forked)
            } else {
                is(words, 2, "sync").then_some(Debugger::Sync)
            };
        }
        if is(words, 0, "eval") && self.armed.is_some() {
            self.debugging = self.armed;
            self.options.output.format = Format::Raw;
        }
    }

    /// Shows the reply of a script whose debugging has just ended; whether there is one.
    pub(crate) fn finish_debugging(&mut self) -> bool {
        let Some(debugger) = self.ended.take() else { return false };
        let _ = self.read_reply(Shown::AsReply);
        let changes = match debugger {
            Debugger::Forked => " -- dataset changes rolled back",
            Debugger::Sync => "",
        };
        print_bytes(format!("\n(Lua debugging session ended{changes})\n\n").as_bytes());
        true
    }

    /// Whether there is a script to debug again.
    pub(crate) fn restart_debugging(&mut self) -> bool {
        let Some(eval) = &self.options.eval else { return false };
        self.debugging = Some(eval.debug.unwrap_or(Debugger::Forked));
        self.options.output.format = Format::Raw;
        true
    }

    /// Reads the reply to a command: one, or with messages a confirmation for each channel.
    fn read_replies(
        &mut self,
        words: &[Vec<u8>],
        command: Kind,
        shown: Shown,
    ) -> Result<(), Failed> {
        let mut confirmations = if command == Kind::Other { 0 } else { (words.len() - 1).max(1) };
        loop {
            self.read_reply(shown)?;
            if !self.subscribed && confirmations == 0 {
                return Ok(());
            }
            match self.last_message_kind() {
                Some(kind) if confirmations > 0 && kind.eq_ignore_ascii_case(&words[0]) => {
                    if command == Kind::Subscribe {
                        self.subscribed = true;
                    }
                    confirmations -= 1;
                    if confirmations == 0 {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None if matches!(self.last_reply, Some(Value::Push(_))) => {}
                None => return Ok(()),
            }
        }
    }

    /// What the last reply says about channels: `message`, `subscribe` and their kin.
    fn last_message_kind(&self) -> Option<&[u8]> {
        let items = match self.last_reply.as_ref()? {
            Value::Push(items) if self.resp3 => items,
            Value::Array(items) if !self.resp3 => items,
            _ => return None,
        };
        let [Value::Bulk(kind), _, _, ..] = &items[..] else { return None };
        (kind.ends_with(b"message") || kind.ends_with(b"subscribe")).then_some(kind)
    }

    /// Follows what a command has changed about the connection.
    fn note(&mut self, words: &[Vec<u8>], command: Kind) {
        let failed = self.last_is_error();
        let is_alone = words.len() == 1;
        if is(words, 0, "select") && words.len() == 2 && !failed {
            self.select(leading_i32(&words[1]));
        } else if is(words, 0, "auth") && matches!(words.len(), 2 | 3) {
            self.select_again();
        } else if is(words, 0, "multi") && is_alone && !failed {
            self.in_transaction = true;
            self.db_before_transaction = self.db;
        } else if is(words, 0, "exec") && is_alone && self.in_transaction {
            self.in_transaction = false;
            if failed || self.last_reply == Some(Value::Null) {
                self.select(self.db_before_transaction);
            }
        } else if is(words, 0, "discard") && is_alone && !failed {
            self.in_transaction = false;
            self.select(self.db_before_transaction);
        } else if is(words, 0, "reset") && is_alone && !failed {
            self.in_transaction = false;
            self.subscribed = false;
            self.expects_messages = false;
            self.resp3 = false;
            self.select(0);
        } else if is(words, 0, "hello") {
            match &self.last_reply {
                Some(Value::Map(_)) => self.resp3 = true,
                Some(Value::Array(_)) => self.resp3 = false,
                _ => {}
            }
        } else if command != Kind::Other && !self.subscribed {
            self.expects_messages = false;
        }
    }

    fn select(&mut self, db: i32) {
        self.db = db;
        self.options.server.db = db;
    }

    /// A new user may select what the former could not.
    fn select_again(&mut self) {
        let wanted = self.options.server.db;
        if wanted == self.db {
            return;
        }
        match self.connection.as_mut().map(|connection| connection.select(wanted)) {
            Some(Ok(())) => self.db = wanted,
            Some(Err(error)) => eprintln!("{error}"),
            None => {}
        }
    }

    fn last_is_error(&self) -> bool {
        self.last_reply.as_ref().is_some_and(Value::is_error)
    }

    /// Reads and prints a reply, and says so if it does not come.
    ///
    /// # Errors
    /// It has not come, or it is an error and that is a failure.
    pub(crate) fn read_reply(&mut self, shown: Shown) -> Result<(), Failed> {
        match self.try_read_reply(shown) {
            Ok(()) if self.redirected.is_some() => Ok(()),
            Ok(()) if self.last_is_error() && self.error_is_failure() => Err(Failed::Told),
            Ok(()) => Ok(()),
            Err(Broken::Interrupted) => {
                self.clear_interrupts();
                self.connect(Report::Failure)
            }
            Err(_) if self.shutting_down => {
                self.connection = None;
                self.last_reply = None;
                Ok(())
            }
            Err(broken) => Err(self.lost(&broken)),
        }
    }

    fn error_is_failure(&self) -> bool {
        self.options.output.error_is_failure && !self.interactive
    }

    fn try_read_reply(&mut self, shown: Shown) -> Result<(), Broken> {
        let value = loop {
            let Some(connection) = &mut self.connection else { return Err(Broken::Closed) };
            match connection.receive_any()? {
                Value::Push(items) if !self.expects_messages => {
                    if self.options.output.pushes {
                        self.print(|out, options| {
                            format::write_push(out, &Value::Push(items), &options.output);
                        });
                    }
                }
                value => break value,
            }
        };
        if !self.redirect(&value) {
            match &value {
                Value::Error(text) if self.error_is_failure() => {
                    let mut line = text.clone();
                    line.push(b'\n');
                    let _ = io::stderr().write_all(&line);
                }
                value => self.print_value(value, shown),
            }
        }
        self.last_reply = Some(value);
        Ok(())
    }

    /// Prints what has arrived already.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) fn show_arrived(&mut self) -> Result<(), Failed> {
        loop {
            match self.connection.as_mut().map(Connection::arrived) {
                Some(Ok(Some(value))) => self.print_value(&value, Shown::AsReply),
                Some(Err(broken)) => return Err(self.lost(&broken)),
                Some(Ok(None)) | None => return Ok(()),
            }
        }
    }

    /// Prints a value as the options say.
    fn print_value(&mut self, value: &Value, shown: Shown) {
        if let Some(debugger) = self.debugging {
            let mut out = Vec::new();
            if debugger::write(&mut out, value) {
                self.debugging = None;
                self.armed = None;
                self.ended = Some(debugger);
                self.options.output.format = Format::Standard;
            }
            print_bytes(&out);
            return;
        }
        self.print(|out, options| match shown {
            Shown::AsReply => format::write(out, value, &options.output),
            Shown::AsText => format::write_text(out, value, &options.output),
        });
    }

    fn print(&self, write: impl FnOnce(&mut Vec<u8>, &Options)) {
        let mut out = Vec::new();
        write(&mut out, &self.options);
        print_bytes(&out);
    }

    /// If the reply sends us to another node, remembers which.
    fn redirect(&mut self, value: &Value) -> bool {
        let Value::Error(text) = value else { return false };
        if !self.options.follow_redirections {
            return false;
        }
        let Some((redirection, slot, host, port)) = redirection(text) else { return false };
        let server = &mut self.options.server;
        // A node that does not know its own name leaves it out.
        if !host.is_empty() {
            server.host = host;
        }
        server.port = port;
        self.leave_socket = true;
        if self.interactive {
            let Self { options, .. } = self;
            let (host, port) = (&options.server.host, options.server.port);
            let line = format!("-> Redirected to slot [{slot}] located at {host}:{port}\n");
            print_bytes(line.as_bytes());
        }
        self.redirected = Some(redirection);
        true
    }

    /// The connection is no more. A session can go on with a new one, unless what came made no sense.
    fn lost(&mut self, broken: &Broken) -> Failed {
        self.connection = None;
        eprintln!("Error: {broken}");
        let can_go_on =
            matches!(broken, Broken::Closed | Broken::System(Errno::ECONNRESET | Errno::EPIPE));
        if self.interactive && !can_go_on {
            std::process::exit(1);
        }
        Failed::Told
    }
}

/// How a reply is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As the format has it.
    AsReply,
    /// As it is, in any format.
    AsText,
}

/// Commands whose replies are not one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Subscribe,
    Unsubscribe,
    Monitor,
    /// SYNC and PSYNC
    Sync,
    Other,
}

impl Kind {
    fn of(words: &[Vec<u8>]) -> Self {
        let one_of = |names: &[&str]| names.iter().any(|name| is(words, 0, name));
        if one_of(&["subscribe", "psubscribe", "ssubscribe"]) {
            Self::Subscribe
        } else if one_of(&["unsubscribe", "punsubscribe", "sunsubscribe"]) {
            Self::Unsubscribe
        } else if one_of(&["monitor"]) {
            Self::Monitor
        } else if one_of(&["sync", "psync"]) {
            Self::Sync
        } else {
            Self::Other
        }
    }
}

/// Whether a word is there and is `name`, in any case.
pub(crate) fn is(words: &[Vec<u8>], index: usize, name: &str) -> bool {
    words.get(index).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// Commands whose replies are text for people, to be printed as it is.
fn is_text(words: &[Vec<u8>]) -> bool {
    let count = words.len();
    let first = |name: &str| is(words, 0, name);
    let second = |names: &[&str]| names.iter().any(|name| is(words, 1, name));
    first("info")
        || first("lolwut")
        || (first("debug") && second(&["htstats", "htstats-key", "client-eviction"]))
        || (first("memory") && second(&["malloc-stats", "doctor"]))
        || (first("cluster") && count == 2 && second(&["nodes", "info"]))
        || (first("client") && second(&["list", "info"]))
        || (first("latency") && count == 3 && second(&["graph"]))
        || (first("latency") && count == 2 && second(&["doctor"]))
        || (first("proxy") && second(&["info"]))
}

/// What `MOVED 3999 127.0.0.1:6381` and `ASK ...` say.
fn redirection(text: &[u8]) -> Option<(Redirection, i64, String, u16)> {
    let (redirection, rest) = match text.strip_prefix(b"MOVED ") {
        Some(rest) => (Redirection::Moved, rest),
        None => (Redirection::Ask, text.strip_prefix(b"ASK ")?),
    };
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let (slot, address) = (&rest[..space], &rest[space + 1..]);
    let colon = address.iter().rposition(|&byte| byte == b':')?;
    let port = u16::try_from(leading_integer(&address[colon + 1..])).ok()?;
    let host = String::from_utf8_lossy(&address[..colon]).into_owned();
    Some((redirection, leading_integer(slot), host, port))
}

/// Writes to standard output at once; without a reader there is nothing left to do.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn text_for_people_is_printed_as_it_is() {
        for line in [
            "INFO",
            "info all",
            "lolwut",
            "CLUSTER nodes",
            "client list id 3",
            "latency graph get",
            "latency doctor",
            "debug htstats 0",
        ] {
            assert!(is_text(&words(line)), "{line}");
        }
        for line in ["get info", "cluster info x", "cluster slots", "latency graph", "client id"] {
            assert!(!is_text(&words(line)), "{line}");
        }
    }

    #[test]
    fn where_a_node_sends_us() {
        let to = |text: &str| redirection(text.as_bytes());
        let moved = (Redirection::Moved, 3999, "127.0.0.1".to_owned(), 6381);
        assert_eq!(to("MOVED 3999 127.0.0.1:6381"), Some(moved));
        assert_eq!(to("ASK 1 ::1:7000"), Some((Redirection::Ask, 1, "::1".to_owned(), 7000)));
        assert_eq!(to("MOVED 1 :7000"), Some((Redirection::Moved, 1, String::new(), 7000)));
        for text in ["ERR MOVED", "MOVED 3999", "MOVED 1 host", "MOVED 1 host:70000", "MOVED "] {
            assert_eq!(to(text), None, "{text}");
        }
    }
}
