//! A session: commands are read line by line, from a person or from a pipe.

mod history;
mod lines;
mod messages;
mod preferences;
mod prompt;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dunlin_stdx::words;

use crate::client::{Client, Report, is, print_bytes};
use crate::format::Format;
use crate::help::Help;
use crate::number::leading_integer;
pub(crate) use lines::Lines;
use prompt::prompt;

/// Commands that take as long tell how long they took.
const SLOW: Duration = Duration::from_millis(500);

/// Reads and runs commands until the end.
pub(crate) fn run(mut client: Client) -> ExitCode {
    client.become_interactive();
    // Each command tries again.
    let _ = client.connect(Report::Failure);
    match session(&mut client, &mut Lines::new()) {
        End::Quit | End::Restart => ExitCode::SUCCESS,
    }
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There are no more lines, or it was asked for.
    Quit,
    /// The script that is debugged is to begin again.
    Restart,
}

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    End(End),
}

/// Reads and runs commands on the connection that there is.
pub(crate) fn session(client: &mut Client, lines: &mut Lines) -> End {
    if io::stdin().is_terminal() {
        // The debugger knows no commands to ask about others.
        let help = if client.debugging.is_none() { client.load_help() } else { Help::default() };
        lines.set_help(help);
        lines.load();
    }
    loop {
        let Some(line) = lines.next(&prompt(client)) else {
            if client.subscribed && client.connect(Report::Failure).is_ok() {
                continue;
            }
            return End::Quit;
        };
        if let Next::End(end) = run_line(client, lines, &line) {
            return end;
        }
        if client.subscribed && messages::wait(client, lines).is_err() {
            std::process::exit(1);
        }
    }
}

fn run_line(client: &mut Client, lines: &mut Lines, line: &[u8]) -> Next {
    let Some(mut words) = split(client, line) else {
        print_bytes(b"Invalid argument(s)\n");
        lines.remember(line);
        return Next::Line;
    };
    if words.is_empty() {
        return Next::Line;
    }
    let mut repeat = 1;
    if words.len() > 1
        && let Some(number) = whole_number(&words[0])
    {
        if number <= 0 {
            print_bytes(b"Invalid redis-cli repeat command option value.\n");
            return Next::Line;
        }
        repeat = number;
    }
    let counted = words.len() > 1 && whole_number(&words[0]).is_some();
    if !history::is_sensitive(&words[usize::from(counted)..]) {
        lines.remember(line);
    }
    if is(&words, 0, "quit") || is(&words, 0, "exit") {
        return Next::End(End::Quit);
    }
    if words[0].starts_with(b":") {
        lines.set_preference(&words, "");
    } else if is(&words, 0, "restart") {
        if client.restart_debugging() {
            return Next::End(End::Restart);
        }
        print_bytes(b"Use 'restart' only in Lua debugging mode.\n");
    } else if words.len() == 3 && is(&words, 0, "connect") {
        connect(client, &words);
    } else if words.len() == 1 && is(&words, 0, "clear") {
        print_bytes(b"\x1b[H\x1b[2J");
    } else {
        if counted {
            words.remove(0);
        }
        run_command(client, lines, &words, repeat);
    }
    Next::Line
}

/// The words of a line. What a debugger is to evaluate is one word, as it stands.
fn split(client: &Client, line: &[u8]) -> Option<Vec<Vec<u8>>> {
    if client.debugging.is_some() {
        for command in [&b"eval "[..], b"e "] {
            if let Some(script) = line.strip_prefix(command) {
                return Some(vec![command.trim_ascii_end().to_vec(), script.to_vec()]);
            }
        }
    }
    words::split(line).ok()
}

/// The number that a word is; 0 for what is too large.
fn whole_number(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let parsed = || str::from_utf8(word).ok()?.parse().ok();
    is_number.then(|| parsed().unwrap_or(0))
}

fn connect(client: &mut Client, words: &[Vec<u8>]) {
    let server = &mut client.options.server;
    server.host = String::from_utf8_lossy(&words[1]).into_owned();
    server.socket = None;
    match u16::try_from(leading_integer(&words[2])) {
        Ok(port) => server.port = port,
        Err(_) => {
            print_bytes(b"Invalid server port.\n");
            return;
        }
    }
    let _ = client.connect(Report::Failure);
}

fn run_command(client: &mut Client, lines: &mut Lines, words: &[Vec<u8>], repeat: i64) {
    let start = Instant::now();
    // Why it failed has been told.
    let _ = client.issue(words, repeat);
    if client.finish_debugging() {
        lines.set_help(client.load_help());
    }
    let elapsed = start.elapsed();
    if elapsed >= SLOW && client.options.output.format == Format::Standard {
        print_bytes(format!("({:.2}s)\n", elapsed.as_secs_f64()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_before_a_command() {
        for (word, number) in [
            ("3", Some(3)),
            ("-1", Some(-1)),
            ("3x", None),
            ("GET", None),
            ("", None),
            ("99999999999999999999", Some(0)),
        ] {
            assert_eq!(whole_number(word.as_bytes()), number, "{word}");
        }
    }
}
