//! A session: commands are read line by line, from a person or from a pipe.

use std::io::BufRead;
use std::process::ExitCode;

use dunlin_stdx::words;

use crate::client::{Client, Report, is, print_bytes};

/// Reads and runs commands until the end.
pub(crate) fn run(mut client: Client) -> ExitCode {
    client.interactive = true;
    // Each command tries again.
    let _ = client.connect(Report::Failure);
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return ExitCode::SUCCESS,
            Ok(_) => {}
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if run_line(&mut client, text) == Next::End {
            return ExitCode::SUCCESS;
        }
    }
}

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

fn run_line(client: &mut Client, line: &[u8]) -> Next {
    let Ok(words) = words::split(line) else {
        print_bytes(b"Invalid argument(s)\n");
        return Next::Line;
    };
    if words.is_empty() {
        return Next::Line;
    }
    if is(&words, 0, "quit") || is(&words, 0, "exit") {
        return Next::End;
    }
    let _ = client.issue(&words, 1);
    Next::Line
}
