//! `--eval`: a script from a file, with the keys and arguments of the command line.

use std::fs;
use std::process::ExitCode;

use nix::errno::Errno;

use crate::client::{Client, Report, Shown, print_bytes};
use crate::interactive::{self, End, Lines};
use crate::options::{Debugger, Eval};

/// Runs the script once, or in the debugger as often as it is started again.
pub(crate) fn run(mut client: Client, eval: &Eval) -> ExitCode {
    if client.connect(Report::Failure).is_err() {
        return ExitCode::FAILURE;
    }
    client.debugging = eval.debug;
    // What was read already is not lost when the script starts again.
    let mut lines = Lines::new();
    loop {
        if client.debugging.is_some() {
            print_bytes(
                b"Lua debugging session started, please use:\n\
                  quit    -- End the session.\n\
                  restart -- Restart the script in debug mode again.\n\
                  help    -- Show Lua script debugging commands.\n\n",
            );
        }
        let script = match fs::read(&eval.file) {
            Ok(script) => script,
            Err(error) => {
                let reason = Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc();
                eprintln!("Can't open file '{}': {reason}", eval.file.display());
                return ExitCode::FAILURE;
            }
        };
        let is_debugged = client.debugging.is_some();
        start_debugger(&mut client);
        let words = words(script, &client.options.command);
        let repeat = client.options.repeat;
        let result = client.issue(&words, repeat);
        if !is_debugged {
            return if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        if client.debugging.is_none() {
            // There was not even a first line to stop at.
            print_bytes(b"Eval debugging session can't start:\n");
            let _ = client.read_reply(Shown::AsReply);
            return if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        client.become_interactive();
        if interactive::session(&mut client, &mut lines) == End::Quit {
            return ExitCode::SUCCESS;
        }
        let _ = client.connect(Report::Failure);
        print_bytes(b"\n");
    }
}

fn start_debugger(client: &mut Client) {
    let mode: &[u8] = match client.debugging {
        Some(Debugger::Forked) => b"yes",
        Some(Debugger::Sync) => b"sync",
        None => return,
    };
    if let Some(connection) = &mut client.connection {
        // Where this is refused, the script just runs.
        let _ = connection.ask(&[b"SCRIPT", b"DEBUG", mode]);
    }
}

/// EVAL with what stands before the comma as keys and what stands behind it as arguments.
fn words(script: Vec<u8>, given: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let comma = given.iter().position(|word| word == b",");
    let keys = &given[..comma.unwrap_or(given.len())];
    let arguments = comma.map_or(&[][..], |at| &given[at + 1..]);
    let count = keys.len().to_string().into_bytes();
    [vec![b"EVAL".to_vec(), script, count], keys.to_vec(), arguments.to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_stands_between_keys_and_arguments() {
        let check = |given: &[&str], expected: &str| {
            let given: Vec<Vec<u8>> = given.iter().map(|word| word.as_bytes().to_vec()).collect();
            let words = words(b"s".to_vec(), &given);
            assert_eq!(String::from_utf8_lossy(&words.join(&b' ')), expected);
        };
        check(&["a", "b", ",", "c", ","], "EVAL s 2 a b c ,");
        check(&["a"], "EVAL s 1 a");
        check(&[",", "c"], "EVAL s 0 c");
        check(&[], "EVAL s 0");
    }
}
