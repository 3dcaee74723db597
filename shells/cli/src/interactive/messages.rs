//! Between the lines while channels are subscribed to: messages are shown until a key is pressed.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::lines::Lines;
use crate::client::{Client, Failed, Report, Shown, print_bytes};
use crate::format::Format;
use crate::options::Environment;
use crate::terminal::{AnyKey, has_colours};

/// Without anything to show, what can be done is told again after so long.
const REMINDER_MS: u16 = 5000;

/// What has happened first.
enum First {
    Message,
    Input,
    CtrlC,
    Nothing,
}

/// Shows messages until there is input; Ctrl-C ends the subscriptions.
///
/// # Errors
/// The connection has ended, or there is no new one.
pub(super) fn wait(client: &mut Client, lines: &Lines) -> Result<(), Failed> {
    let tells = client.options.output.format != Format::Raw && Environment::stdout_is_terminal();
    let _keys = AnyKey::new();
    client.watch_interrupts(true);
    let result = show(client, lines, tells);
    client.watch_interrupts(false);
    result
}

fn show(client: &mut Client, lines: &Lines, tells: bool) -> Result<(), Failed> {
    while client.subscribed {
        client.show_arrived()?;
        if tells {
            let text = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";
            if has_colours() {
                print_bytes(format!("\x1b[1;90m{text}\x1b[0m").as_bytes());
            } else {
                print_bytes(text.as_bytes());
            }
        }
        let first = if lines.have_more() { First::Input } else { first(client) };
        if tells {
            print_bytes(b"\x1b[K");
        }
        match first {
            First::Message => client.read_reply(Shown::AsReply)?,
            First::Input => return Ok(()),
            First::CtrlC => {
                client.clear_interrupts();
                return client.connect(Report::Failure);
            }
            First::Nothing => {}
        }
    }
    Ok(())
}

fn first(client: &mut Client) -> First {
    let Some(connection) = &mut client.connection else { return First::Message };
    if connection.has_input() {
        return First::Message;
    }
    let stdin = io::stdin();
    let mut files = vec![
        PollFd::new(connection.as_fd(), PollFlags::POLLIN),
        PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
    ];
    if let Some(interrupt) = &client.interrupt {
        files.push(PollFd::new(interrupt.as_fd(), PollFlags::POLLIN));
    }
    match poll(&mut files, PollTimeout::from(REMINDER_MS)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(_) => return First::Input,
    }
    let is_ready = |index: usize| files.get(index).is_some_and(|file| file.any() == Some(true));
    if is_ready(2) {
        First::CtrlC
    } else if is_ready(0) {
        First::Message
    } else if is_ready(1) {
        First::Input
    } else {
        First::Nothing
    }
}
