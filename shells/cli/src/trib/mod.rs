//! `redis-trib.rb`: the cluster manager with the command line and the words of version 4.0.
//!
//! Options stand before the arguments and have no `--cluster-` before them; everything is said on
//! standard output. A check that finds something says so and does not fail.
//!
//! Source: the guides of its time; cluster tutorials for Redis 3.2 and 4.0; options, texts and exit
//! codes checked against redis-trib.rb of Redis 4.0.

mod arguments;
mod help;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

use dunlin_manager::Dialect;

use crate::cluster::{Console, Manager, subcommand};

/// Runs the manager as redis-trib. A password is taken from `REDISCLI_AUTH`.
pub fn run_trib(arguments: Vec<OsString>) -> ExitCode {
    let words: Vec<Vec<u8>> = arguments.into_iter().map(OsStringExt::into_vec).collect();
    let console = Console::new(Dialect::Trib, false);
    let Some(first) = words.first() else {
        console.write(&help::text());
        return ExitCode::FAILURE;
    };
    let name = String::from_utf8_lossy(first).to_ascii_lowercase();
    let parsed = match arguments::parse(&name, &words) {
        Ok(parsed) => parsed,
        Err(text) => {
            console.plain(&text);
            return ExitCode::FAILURE;
        }
    };
    if name == "help" {
        console.write(&help::text());
        return ExitCode::SUCCESS;
    }
    let Some((_, run)) = subcommand(&name) else { return ExitCode::FAILURE };
    let manager = Manager {
        console,
        command: &parsed.command,
        user: None,
        password: std::env::var_os("REDISCLI_AUTH").map(OsStringExt::into_vec),
        // redis-trib is older than TLS in Redis.
        tls: None,
        verbose: parsed.is_verbose,
    };
    if run(&manager).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
