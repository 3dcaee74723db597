//! `redis-cli`: one command and its reply, a session, or one of many special modes.
//!
//! - `options` says what the words of a command line ask for.
//! - `connection` is a blocking connection to one server, `transport` its socket, with TLS or without.
//! - `client` runs commands on it: redirections, subscriptions, what a prompt has to know.
//! - `format` makes text of replies.
//! - `interactive` reads lines, `modes` holds what runs instead of a command, `cluster` is the
//!   manager of clusters.

#![forbid(unsafe_code)]

mod client;
mod cluster;
mod connection;
mod debugger;
mod eval;
mod format;
mod help;
mod input;
mod interactive;
mod modes;
mod number;
mod one_command;
mod options;
mod terminal;
mod transport;
mod trib;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

pub use trib::run_trib;

use client::Client;
use options::{ClusterCommand, Environment, Exit, Options};

/// Runs the client with `arguments`; it was called as `title` and is of that version of Redis.
pub fn run(title: &str, arguments: Vec<OsString>, version: &str) -> ExitCode {
    let words: Vec<Vec<u8>> = arguments.into_iter().map(OsStringExt::into_vec).collect();
    let environment = Environment {
        is_terminal: Environment::stdout_is_terminal(),
        password: std::env::var_os("REDISCLI_AUTH").map(OsStringExt::into_vec),
        cluster_yes: std::env::var_os("REDISCLI_CLUSTER_YES").is_some_and(|value| value == "1"),
        title: title.to_owned(),
    };
    match options::parse(&words, &environment) {
        Ok(options) => start(Options { version: version.to_owned(), ..options }),
        Err(Exit::Version) => print(&format!("redis-cli {version}\n")),
        Err(Exit::Help) => print(&options::usage(version)),
        Err(Exit::Usage) => misuse(&options::usage(version)),
        Err(Exit::Misuse(text)) => misuse(&format!("{text}\n")),
    }
}

fn start(mut options: Options) -> ExitCode {
    for warning in &options.warnings {
        eprintln!("{warning}");
    }
    if options.server.ask_password {
        options.server.password = terminal::ask_password("Please input password: ");
    }
    if let Some(command) = options.cluster.take() {
        return match one_command::with_standard_input(command.arguments.clone(), &options.input) {
            Ok(arguments) => cluster::run(&ClusterCommand { arguments, ..command }, &options),
            Err(code) => code,
        };
    }
    if let Some(mode) = options.mode.clone() {
        return modes::run(mode, Client::new(options));
    }
    if let Some(eval) = options.eval.clone() {
        return eval::run(Client::new(options), &eval);
    }
    if options.command.is_empty() {
        return interactive::run(Client::new(options));
    }
    one_command::run(Client::new(options))
}

/// Nobody may be reading any more; that is no reason to say so.
fn print(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn misuse(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
