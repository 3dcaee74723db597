//! Replies: received, followed where they lead, printed.

use std::io::{self, Write};

use dunlin_resp::Value;
use nix::errno::Errno;

use super::command::Kind;
use super::{Client, Failed, Report, print_bytes};
use crate::connection::{Broken, Connection};
use crate::debugger;
use crate::format::{self, Format};
use crate::options::Options;

/// How a reply is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As the format has it.
    AsReply,
    /// As it is, in any format.
    AsText,
}

impl Client {
    /// Reads the reply to a command: one, or with messages a confirmation for each channel.
    pub(super) fn read_replies(
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

    pub(super) fn last_is_error(&self) -> bool {
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

    pub(super) fn try_read_reply(&mut self, shown: Shown) -> Result<(), Broken> {
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

    /// The connection is no more. A session can go on with a new one, unless what came made no sense.
    pub(super) fn lost(&mut self, broken: &Broken) -> Failed {
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
